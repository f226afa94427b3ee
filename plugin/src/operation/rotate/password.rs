//! Passwords that nobody guesses and everything carries.

use tokio_rustls::rustls::crypto::ring;

use crate::failure::Failure;

/// As many as the operator gives its own: 380 bits.
const LENGTH: usize = 64;
/// None of these has to be escaped in a URI, a shell, a .pgpass or a connection string.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A new one.
pub(super) fn new() -> Result<String, Failure> {
    let random = ring::default_provider().secure_random;
    let mut password = String::with_capacity(LENGTH);
    while password.len() < LENGTH {
        let mut bytes = [0; LENGTH];
        random.fill(&mut bytes).map_err(|_| {
            Failure::new("this machine has no random numbers to make a password of")
        })?;
        let letters = bytes.iter().filter_map(|byte| {
            // Six bits; two of 64 values are thrown away, so that no letter is likelier.
            ALPHABET.get(usize::from(byte & 0b11_1111)).copied()
        });
        password.extend(letters.take(LENGTH - password.len()).map(char::from));
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_is_another_one_and_all_letters_occur() {
        let made: Vec<String> = (0..100).map(|_| new().unwrap()).collect();
        assert!(made.iter().all(|password| password.len() == LENGTH));
        assert_eq!(made.iter().collect::<HashSet<_>>().len(), made.len());
        let letters: HashSet<char> = made.iter().flat_map(|password| password.chars()).collect();
        assert_eq!(letters.len(), ALPHABET.len());
    }
}
