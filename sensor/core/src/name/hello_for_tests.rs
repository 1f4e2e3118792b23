//! Client hellos for the tests of TLS, QUIC and DTLS.

/// An extension with its header.
pub fn extension(kind: u16, data: &[u8]) -> Vec<u8> {
    let mut bytes = kind.to_be_bytes().to_vec();
    bytes.extend((data.len() as u16).to_be_bytes());
    bytes.extend(data);
    bytes
}

/// A server name extension.
pub fn server_name(name: &[u8]) -> Vec<u8> {
    let length = name.len() as u16;
    let mut data = (length + 3).to_be_bytes().to_vec();
    data.push(0);
    data.extend(length.to_be_bytes());
    data.extend(name);
    extension(0, &data)
}

/// A client hello with its handshake header.
pub fn hello_message(version: u16, ciphers: &[u16], extensions: &[Vec<u8>]) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    body.extend([0x5a; 32]);
    body.push(0);
    if version >> 8 == 0xfe {
        body.push(0);
    }
    body.extend((ciphers.len() as u16 * 2).to_be_bytes());
    body.extend(ciphers.iter().flat_map(|cipher| cipher.to_be_bytes()));
    body.extend([1, 0]);
    let block = extensions.concat();
    body.extend((block.len() as u16).to_be_bytes());
    body.extend(block);
    let mut message = vec![1];
    message.extend(&(body.len() as u32).to_be_bytes()[1..]);
    message.extend(body);
    message
}

/// Handshake bytes in TLS records of `size` bytes each.
pub fn records(handshake: &[u8], size: usize) -> Vec<u8> {
    handshake
        .chunks(size)
        .flat_map(|body| {
            let mut record = vec![22, 3, 1];
            record.extend((body.len() as u16).to_be_bytes());
            record.extend(body);
            record
        })
        .collect()
}
