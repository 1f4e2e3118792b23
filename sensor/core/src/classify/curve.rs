//! Whether 64 bytes are a point of the curve secp256k1: y² = x³ + 7 modulo p = 2^256 - 2^32 - 977.
//!
//! A check of public bytes, not cryptography: nothing here is secret, so nothing is constant-time.

/// Four limbs, least first.
type Number = [u64; 4];

const PRIME: Number = [0xffff_fffe_ffff_fc2f, u64::MAX, u64::MAX, u64::MAX];
/// 2^256 modulo p.
const FOLD: u64 = 0x1_0000_03d1;

/// Whether the bytes are x and y, big-endian, of a point of the curve.
pub(super) fn is_public_key(bytes: &[u8]) -> bool {
    let Some((x, rest)) = bytes.split_first_chunk::<32>() else {
        return false;
    };
    let Ok(y) = rest.try_into() else {
        return false;
    };
    let (x, y) = (number(x), number(y));
    if !is_below_prime(&x) || !is_below_prime(&y) {
        return false;
    }
    multiply(&y, &y) == reduce_carry(add(&multiply(&multiply(&x, &x), &x), &[7, 0, 0, 0]))
}

fn number(bytes: &[u8; 32]) -> Number {
    let mut limbs = [0; 4];
    for (limb, chunk) in limbs.iter_mut().rev().zip(bytes.as_chunks::<8>().0) {
        *limb = u64::from_be_bytes(*chunk);
    }
    limbs
}

fn is_below_prime(number: &Number) -> bool {
    number.iter().rev().lt(PRIME.iter().rev())
}

/// Sum and carry.
fn add(a: &Number, b: &Number) -> (Number, u64) {
    let mut sum = [0; 4];
    let mut carry = 0;
    for (place, (&a, &b)) in sum.iter_mut().zip(a.iter().zip(b)) {
        let limb = u128::from(a) + u128::from(b) + carry;
        *place = limb as u64;
        carry = limb >> 64;
    }
    (sum, carry as u64)
}

/// Brings `number + carry * 2^256` below p; carry is small.
fn reduce_carry((mut number, mut carry): (Number, u64)) -> Number {
    while carry > 0 {
        let product = u128::from(carry) * u128::from(FOLD);
        (number, carry) = add(&number, &[product as u64, (product >> 64) as u64, 0, 0]);
    }
    if !is_below_prime(&number) {
        // Minus p is plus 2^256 - p, the carry dropped.
        number = add(&number, &[FOLD, 0, 0, 0]).0;
    }
    number
}

fn multiply(a: &Number, b: &Number) -> Number {
    let mut wide = [0_u64; 8];
    for (shift, &a) in a.iter().enumerate() {
        let mut carry = 0_u128;
        for (place, &b) in wide.iter_mut().skip(shift).zip(b) {
            let limb = u128::from(a) * u128::from(b) + u128::from(*place) + carry;
            *place = limb as u64;
            carry = limb >> 64;
        }
        if let Some(place) = wide.get_mut(shift + 4) {
            *place = carry as u64;
        }
    }
    let [l0, l1, l2, l3, high @ ..] = wide;
    let mut folded = [l0, l1, l2, l3];
    let mut carry = 0_u128;
    for (place, high) in folded.iter_mut().zip(high) {
        let limb = u128::from(high) * u128::from(FOLD) + u128::from(*place) + carry;
        *place = limb as u64;
        carry = limb >> 64;
    }
    reduce_carry((folded, carry as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hexadecimal: &str) -> Vec<u8> {
        (0..hexadecimal.len() / 2)
            .map(|at| u8::from_str_radix(&hexadecimal[at * 2..at * 2 + 2], 16).unwrap())
            .collect()
    }

    #[test]
    fn the_generator_is_on_the_curve() {
        let mut generator = bytes(
            "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798\
             483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8",
        );
        assert!(is_public_key(&generator));
        generator[40] ^= 1;
        assert!(!is_public_key(&generator));
        assert!(!is_public_key(&[0xff; 64]));
        assert!(!is_public_key(&[0; 64]));
        assert!(!is_public_key(&generator[..63]));
    }

    #[test]
    fn arithmetic_at_the_edge() {
        // (p - 1)² = 1 modulo p.
        let mut largest = PRIME;
        largest[0] -= 1;
        assert_eq!(multiply(&largest, &largest), [1, 0, 0, 0]);
        assert_eq!(reduce_carry((PRIME, 0)), [0; 4]);
        assert_eq!(reduce_carry(([0; 4], 1)), [FOLD, 0, 0, 0]);
    }
}
