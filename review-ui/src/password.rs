//! Passwords of local accounts: argon2id with 19 MiB, 2 passes and 1 lane, as OWASP's Password Storage Cheat Sheet recommends.

use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{self, PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};

/// Fewest and most characters of a password. NIST SP 800-63B asks for at least 8 and for room up to 64; length is what counts.
pub const LENGTH: std::ops::RangeInclusive<usize> = 12..=200;

/// Hashes a password, in PHC form. Takes a fifth of a second of one core.
pub fn hash(password: &str) -> Result<String, password_hash::Error> {
    let salt = SaltString::generate(&mut OsRng);
    engine().hash_password(password.as_bytes(), &salt).map(|hash| hash.to_string())
}

/// Whether the password is the one behind the hash. Without a hash it takes as long and says no, so that nobody learns which accounts there are.
pub fn verify(password: &str, phc: Option<&str>) -> bool {
    let parsed = phc.and_then(|phc| PasswordHash::new(phc).ok());
    match parsed {
        Some(hash) => engine().verify_password(password.as_bytes(), &hash).is_ok(),
        None => {
            let _ = hash(password);
            false
        }
    }
}

fn engine() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_password_fits() {
        let phc = hash("correct horse battery").unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert!(verify("correct horse battery", Some(&phc)));
        for (password, phc) in
            [("correct horse", Some(phc.as_str())), ("", Some(phc.as_str())), ("x", Some("$argon2id$nonsense")), ("x", None)]
        {
            assert!(!verify(password, phc));
        }
        assert_ne!(phc, hash("correct horse battery").unwrap(), "every hash has a salt of its own");
    }
}
