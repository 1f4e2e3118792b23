//! Connections that begin in the clear and carry another.

use blocktap_core::name::proxied::proxied_offset;
use blocktap_core::name::starttls::starttls_offset;

use super::pieces::Pieces;

/// Both directions of a connection that may go over to TLS.
pub fn starttls(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let server = pieces.piece();
    let client = pieces.rest();
    for length in [client.len(), client.len() / 2] {
        if let Some(found) = starttls_offset(&client[..length], server) {
            assert!(found.client_offset <= length);
            assert!(
                found
                    .server_offset
                    .is_none_or(|offset| offset <= server.len())
            );
        }
    }
}

/// Both directions of a connection that may go through a proxy.
pub fn proxied(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let server = pieces.piece();
    let client = pieces.rest();
    let whole = proxied_offset(client, server);
    let part = proxied_offset(&client[..client.len() / 2], server);
    for found in [whole, part].into_iter().flatten() {
        assert!(found.client_offset <= client.len());
        assert!(
            found
                .server_offset
                .is_none_or(|offset| offset <= server.len())
        );
    }
    if let Some(part) = part {
        assert_eq!(
            whole,
            Some(part),
            "a request that is whole stays where it is"
        );
    }
}
