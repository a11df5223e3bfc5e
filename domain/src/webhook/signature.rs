//! Signing what we send, as Standard Webhooks 1.0.0 says, and checking it as its receivers do.

use std::fmt;

use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::engine::{DecodePaddingMode, Engine};
use ed25519_dalek::Signer as _;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// How far the time of an attempt may lie from the receiver's clock, in seconds and both ways.
///
/// Standard Webhooks 1.0.0 leaves the number open; its own libraries use five minutes.
pub const TOLERANCE_SECONDS: i64 = 300;

const SECRET_PREFIX: &str = "whsec_";
const PRIVATE_PREFIX: &str = "whsk_";
const PUBLIC_PREFIX: &str = "whpk_";

/// The block of SHA-256 in bytes, and with it the longest secret that HMAC uses as it is.
const BLOCK: usize = 64;
const SHORTEST_SECRET: usize = 24;

/// Reads the standard alphabet with or without padding: secrets get pasted by people.
const LENIENT: GeneralPurpose =
    GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));

/// Why bytes or a text are not a symmetric secret. Says nothing of their content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretProblem {
    #[error("the secret is not standard base64")]
    Encoding,
    #[error("the secret has {bytes} bytes; 24 to 64 are allowed")]
    Length { bytes: usize },
}

/// Why a text is not an ed25519 signing key. Says nothing of its content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    #[error("the key is not standard base64")]
    Encoding,
    #[error("the key has {bytes} bytes; 32 private and 32 public ones are expected")]
    Length { bytes: usize },
    #[error("the public half does not belong to the private half")]
    Mismatch,
}

/// Why a message cannot be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignProblem {
    #[error("the message id is empty or contains a full stop")]
    Id,
    /// An empty header would be an unsigned message.
    #[error("there is nothing to sign with")]
    NoSigner,
}

/// Why a message is not taken as ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyProblem {
    #[error("webhook-id is missing")]
    MissingId,
    #[error("webhook-timestamp is missing")]
    MissingTime,
    #[error("webhook-signature is missing")]
    MissingSignature,
    #[error("webhook-timestamp is not a whole number of seconds")]
    BadTime,
    #[error("webhook-timestamp lies more than 5 minutes back")]
    TooOld,
    #[error("webhook-timestamp lies more than 5 minutes ahead")]
    FromTheFuture,
    #[error("no signature fits the message")]
    NoMatch,
}

/// A symmetric secret of 24 to 64 bytes, one per endpoint (`v1` of Standard Webhooks 1.0.0).
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Takes the raw bytes, which must be random; 24 to 64 of them.
    pub fn new(bytes: Vec<u8>) -> Result<Self, SecretProblem> {
        if (SHORTEST_SECRET..=BLOCK).contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(SecretProblem::Length { bytes: bytes.len() }) }
    }

    /// Reads `whsec_` and standard base64; prefix and padding may be missing.
    pub fn parse(text: &str) -> Result<Self, SecretProblem> {
        let encoded = text.strip_prefix(SECRET_PREFIX).unwrap_or(text);
        Self::new(LENIENT.decode(encoded).map_err(|_| SecretProblem::Encoding)?)
    }

    /// The secret as its owner gets to see it: `whsec_` and padded base64.
    pub fn reveal(&self) -> String {
        format!("{SECRET_PREFIX}{}", STANDARD.encode(&self.0))
    }

    fn sign(&self, content: &[u8]) -> String {
        // HMAC fills a short key up with zeros to one block (RFC 2104). A whole block cannot have a wrong length, so nothing can fail here.
        let mut block = [0; BLOCK];
        block[..self.0.len()].copy_from_slice(&self.0);
        let mac = <Hmac<Sha256> as hmac::digest::KeyInit>::new(&block.into()).chain_update(content);
        STANDARD.encode(mac.finalize().into_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// An ed25519 key pair (`v1a` of Standard Webhooks 1.0.0), for receivers that should not be able to sign themselves.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// Derives the pair from its 32 private bytes, which must be random.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(&seed))
    }

    /// Reads `whsk_` and the base64 of 32 private bytes followed by their 32 public ones; prefix and padding may be missing.
    pub fn parse(text: &str) -> Result<Self, KeyProblem> {
        let encoded = text.strip_prefix(PRIVATE_PREFIX).unwrap_or(text);
        let bytes = LENIENT.decode(encoded).map_err(|_| KeyProblem::Encoding)?;
        let pair = bytes.as_slice().try_into().map_err(|_| KeyProblem::Length { bytes: bytes.len() })?;
        // A foreign public half is more than a slip: signing with one gives the private half away.
        ed25519_dalek::SigningKey::from_keypair_bytes(pair).map(Self).map_err(|_| KeyProblem::Mismatch)
    }

    /// The pair as it is stored: `whsk_` and the base64 of private and public bytes.
    pub fn reveal(&self) -> String {
        format!("{PRIVATE_PREFIX}{}", STANDARD.encode(self.0.to_keypair_bytes()))
    }

    /// What receivers check with: `whpk_` and the base64 of the 32 public bytes.
    pub fn public(&self) -> String {
        format!("{PUBLIC_PREFIX}{}", STANDARD.encode(self.0.verifying_key().as_bytes()))
    }

    fn sign(&self, content: &[u8]) -> String {
        STANDARD.encode(self.0.sign(content).to_bytes())
    }

    fn fits(&self, content: &[u8], signature: &str) -> bool {
        STANDARD
            .decode(signature)
            .ok()
            .and_then(|bytes| ed25519_dalek::Signature::from_slice(&bytes).ok())
            .is_some_and(|signature| self.0.verifying_key().verify_strict(content, &signature).is_ok())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public())
    }
}

/// One way to sign. While a secret is being replaced an endpoint has two: the new one and the old one.
#[derive(Debug, Clone)]
pub enum Signer {
    /// `v1`, HMAC-SHA256.
    Hmac(Secret),
    /// `v1a`, ed25519.
    Ed25519(SigningKey),
}

impl Signer {
    fn version(&self) -> &'static str {
        match self {
            Self::Hmac(_) => "v1",
            Self::Ed25519(_) => "v1a",
        }
    }

    fn sign(&self, content: &[u8]) -> String {
        match self {
            Self::Hmac(secret) => secret.sign(content),
            Self::Ed25519(key) => key.sign(content),
        }
    }

    /// Whether any signature of this signer's version in the list fits; unknown versions are skipped.
    fn finds(&self, content: &[u8], list: &str) -> bool {
        let mut candidates = list
            .split(' ')
            .filter_map(|entry| entry.split_once(','))
            .filter(|(version, _)| *version == self.version())
            .map(|(_, text)| text);
        match self {
            Self::Hmac(secret) => {
                let expected = secret.sign(content);
                candidates.any(|candidate| same(expected.as_bytes(), candidate.as_bytes()))
            }
            Self::Ed25519(key) => candidates.any(|candidate| key.fits(content, candidate)),
        }
    }
}

/// Length first, then every byte in the same time. The length of a signature is no secret.
fn same(expected: &[u8], candidate: &[u8]) -> bool {
    expected.len() == candidate.len() && expected.ct_eq(candidate).into()
}

/// The three headers of a webhook as received (Standard Webhooks 1.0.0). A header that is not there is an empty text.
#[derive(Debug, Clone, Copy)]
pub struct Headers<'a> {
    /// `webhook-id`: the same for all attempts.
    pub id: &'a str,
    /// `webhook-timestamp`: Unix seconds of this attempt.
    pub timestamp: &'a str,
    /// `webhook-signature`: a space-separated list of `version,base64`.
    pub signature: &'a str,
}

/// The value of `webhook-signature` (Standard Webhooks 1.0.0): one entry per signer, in their order.
///
/// `timestamp` is in Unix seconds and says when this attempt is made. `body` must be the very bytes that are sent.
pub fn header(signers: &[Signer], id: &str, timestamp: i64, body: &[u8]) -> Result<String, SignProblem> {
    if !valid(id) {
        return Err(SignProblem::Id);
    }
    if signers.is_empty() {
        return Err(SignProblem::NoSigner);
    }
    let content = content(id, &timestamp.to_string(), body);
    let entries: Vec<String> = signers.iter().map(|signer| format!("{},{}", signer.version(), signer.sign(&content))).collect();
    Ok(entries.join(" "))
}

/// Checks a received message as Standard Webhooks 1.0.0 asks of receivers; `now` is in Unix seconds.
///
/// One fitting signature of one signer is enough. Telling repeated messages by their id is left to the caller.
pub fn verify(signers: &[Signer], headers: &Headers<'_>, body: &[u8], now: i64) -> Result<(), VerifyProblem> {
    if headers.id.is_empty() {
        return Err(VerifyProblem::MissingId);
    }
    if headers.timestamp.is_empty() {
        return Err(VerifyProblem::MissingTime);
    }
    if headers.signature.is_empty() {
        return Err(VerifyProblem::MissingSignature);
    }
    let timestamp: i64 = headers.timestamp.parse().map_err(|_| VerifyProblem::BadTime)?;
    if now.saturating_sub(timestamp) > TOLERANCE_SECONDS {
        return Err(VerifyProblem::TooOld);
    }
    if timestamp.saturating_sub(now) > TOLERANCE_SECONDS {
        return Err(VerifyProblem::FromTheFuture);
    }
    // The time as it was spelt: a second spelling of the same number was never signed.
    let content = content(headers.id, headers.timestamp, body);
    // An id with a full stop could borrow its end from the time, and the time from the body.
    if valid(headers.id) && signers.iter().any(|signer| signer.finds(&content, headers.signature)) {
        Ok(())
    } else {
        Err(VerifyProblem::NoMatch)
    }
}

/// Full stops separate the parts of the signed content, so an id has none.
fn valid(id: &str) -> bool {
    !id.is_empty() && !id.contains('.')
}

/// What is signed: `{id}.{timestamp}.{body}`.
fn content(id: &str, timestamp: &str, body: &[u8]) -> Vec<u8> {
    [id.as_bytes(), timestamp.as_bytes(), body].join(&b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Vector {
        signer: Signer,
        id: &'static str,
        time: i64,
        body: &'static [u8],
        signature: &'static str,
    }

    const SECRET_A: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const SECRET_B: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const KEY_C: &str = "6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";

    /// `standard-webhooks libraries/rust/src/lib.rs`
    fn a() -> Vector {
        Vector {
            signer: hmac(SECRET_A),
            id: "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            time: 1_649_367_553,
            body: br#"{"email":"test@example.com","username":"test_user"}"#,
            signature: "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        }
    }

    /// `standard-webhooks libraries/python/tests/test_webhooks.py`
    fn b() -> Vector {
        Vector {
            signer: hmac(SECRET_B),
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            time: 1_614_265_330,
            body: br#"{"test": 2432232314}"#,
            signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        }
    }

    /// `svix/svix-webhooks server/svix-server/src/worker.rs`
    fn c() -> Vector {
        Vector {
            signer: Signer::Ed25519(SigningKey::parse(KEY_C).unwrap()),
            signature: "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
            ..b()
        }
    }

    fn hmac(secret: &str) -> Signer {
        Signer::Hmac(Secret::parse(secret).unwrap())
    }

    /// Verifies vector B with other headers, body or clock.
    fn check(id: &str, timestamp: &str, signature: &str, body: &[u8], now: i64) -> Result<(), VerifyProblem> {
        verify(&[b().signer], &Headers { id, timestamp, signature }, body, now)
    }

    fn check_signature(vector: &Vector, signature: &str) -> Result<(), VerifyProblem> {
        let headers = Headers { id: vector.id, timestamp: &vector.time.to_string(), signature };
        verify(std::slice::from_ref(&vector.signer), &headers, vector.body, vector.time)
    }

    #[test]
    fn the_published_vectors_are_signed_and_verified() {
        for vector in [a(), b(), c()] {
            let header = header(std::slice::from_ref(&vector.signer), vector.id, vector.time, vector.body);
            assert_eq!(header.as_deref(), Ok(vector.signature));
            assert_eq!(check_signature(&vector, vector.signature), Ok(()));
        }
    }

    #[test]
    fn a_header_lists_the_signers_in_their_order() {
        let signers = [c().signer, hmac(SECRET_A), b().signer];
        let list = header(&signers, b().id, b().time, b().body).unwrap();
        let entries: Vec<&str> = list.split(' ').collect();
        assert_eq!([entries[0], entries[2]], [c().signature, b().signature]);
        assert!(entries.len() == 3 && entries[1].starts_with("v1,"));
        // During a rotation a receiver knows one of the secrets only.
        for signer in &signers {
            let headers = Headers { id: b().id, timestamp: "1614265330", signature: &list };
            assert_eq!(verify(std::slice::from_ref(signer), &headers, b().body, b().time), Ok(()));
        }
    }

    #[test]
    fn an_unusable_id_or_no_signer_is_refused() {
        for id in ["", ".", "msg.1", "msg_1."] {
            assert_eq!(header(&[b().signer], id, 1, b""), Err(SignProblem::Id), "{id}");
        }
        assert_eq!(header(&[], "msg_1", 1, b""), Err(SignProblem::NoSigner));
    }

    #[test]
    fn a_missing_header_is_named() {
        let Vector { id, time, body, signature, .. } = b();
        assert_eq!(check("", "1614265330", signature, body, time), Err(VerifyProblem::MissingId));
        assert_eq!(check(id, "", signature, body, time), Err(VerifyProblem::MissingTime));
        assert_eq!(check(id, "1614265330", "", body, time), Err(VerifyProblem::MissingSignature));
    }

    #[test]
    fn a_time_that_is_no_number_is_refused() {
        let Vector { id, time, body, signature, .. } = b();
        for text in ["hello", "1614265330.5", "1614265330 ", "2021-02-25T15:02:10Z", "99999999999999999999"] {
            assert_eq!(check(id, text, signature, body, time), Err(VerifyProblem::BadTime), "{text}");
        }
        for text in ["+1614265330", "01614265330"] {
            assert_eq!(check(id, text, signature, body, time), Err(VerifyProblem::NoMatch), "{text}");
        }
    }

    #[test]
    fn five_minutes_either_way_are_tolerated_and_no_second_more() {
        let Vector { id, time, body, signature, .. } = b();
        let cases = [
            (time, Ok(())),
            (time + 300, Ok(())),
            (time - 300, Ok(())),
            (time + 301, Err(VerifyProblem::TooOld)),
            (time - 301, Err(VerifyProblem::FromTheFuture)),
            (i64::MAX, Err(VerifyProblem::TooOld)),
            (i64::MIN, Err(VerifyProblem::FromTheFuture)),
        ];
        for (now, expected) in cases {
            assert_eq!(check(id, "1614265330", signature, body, now), expected, "{now}");
        }
        assert_eq!(check(id, "-9223372036854775808", signature, body, time), Err(VerifyProblem::TooOld));
        assert_eq!(check(id, "9223372036854775807", signature, body, time), Err(VerifyProblem::FromTheFuture));
    }

    #[test]
    fn one_character_off_anywhere_does_not_match() {
        for vector in [a(), b(), c()] {
            let (version, encoded) = vector.signature.split_once(',').unwrap();
            for at in 0..encoded.len() {
                let mut bytes = encoded.as_bytes().to_vec();
                bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
                let changed = format!("{version},{}", String::from_utf8(bytes).unwrap());
                assert_eq!(check_signature(&vector, &changed), Err(VerifyProblem::NoMatch), "{changed}");
            }
        }
        let Vector { id, time, body, signature, .. } = b();
        assert_eq!(check("msg_p5jXN8AQM9LWM0D4loKWxJel", "1614265330", signature, body, time), Err(VerifyProblem::NoMatch));
        assert_eq!(check(id, "1614265331", signature, body, time), Err(VerifyProblem::NoMatch));
        assert_eq!(check(id, "1614265330", signature, br#"{"test":2432232314}"#, time), Err(VerifyProblem::NoMatch));
        let headers = Headers { id, timestamp: "1614265330", signature };
        for strangers in [vec![], vec![hmac(SECRET_A)], vec![c().signer]] {
            assert_eq!(verify(&strangers, &headers, body, time), Err(VerifyProblem::NoMatch));
        }
    }

    #[test]
    fn parts_cannot_be_moved_across_the_full_stops() {
        let signature = header(&[b().signer], "msg_1", 100, b"200.rest").unwrap();
        assert_eq!(check("msg_1", "100", &signature, b"200.rest", 200), Ok(()));
        assert_eq!(check("msg_1.100", "200", &signature, b"rest", 200), Err(VerifyProblem::NoMatch));
    }

    #[test]
    fn a_truncated_or_lengthened_signature_does_not_match() {
        for vector in [a(), b(), c()] {
            for length in 0..vector.signature.len() {
                if length > 0 {
                    assert_eq!(check_signature(&vector, &vector.signature[..length]), Err(VerifyProblem::NoMatch), "{length}");
                }
                let longer = format!("{}{}", vector.signature, "A".repeat(length + 1));
                assert_eq!(check_signature(&vector, &longer), Err(VerifyProblem::NoMatch), "{longer}");
            }
        }
    }

    #[test]
    fn of_several_signatures_the_last_may_be_the_one_that_fits() {
        for vector in [b(), c()] {
            let list = format!("{} v1,AAAA v2,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= {}", a().signature, vector.signature);
            assert_eq!(check_signature(&vector, &list), Ok(()));
        }
        assert_eq!(check_signature(&b(), &format!("{0} v1, {0}", a().signature)), Err(VerifyProblem::NoMatch));
    }

    #[test]
    fn a_signature_of_another_version_is_skipped() {
        for vector in [b(), c()] {
            let (own, encoded) = vector.signature.split_once(',').unwrap();
            for version in ["v1", "v1a", "v2", "V1", "", " "].into_iter().filter(|version| *version != own) {
                let other = format!("{version},{encoded}");
                assert_eq!(check_signature(&vector, &other), Err(VerifyProblem::NoMatch), "{other}");
            }
            assert_eq!(check_signature(&vector, encoded), Err(VerifyProblem::NoMatch));
        }
    }

    #[test]
    fn a_secret_reads_back_with_and_without_prefix_and_padding() {
        let secret = Secret::new(vec![7; 25]).unwrap().reveal();
        assert!(secret.starts_with("whsec_") && secret.ends_with("=="));
        let bare = secret.trim_start_matches("whsec_");
        for text in [&secret, bare, secret.trim_end_matches('='), bare.trim_end_matches('=')] {
            assert_eq!(Secret::parse(text).unwrap().reveal(), secret, "{text}");
        }
        assert_eq!(Secret::parse(SECRET_B).unwrap().reveal(), SECRET_B);
        let unprefixed = Vector { signer: hmac("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), ..b() };
        assert_eq!(check_signature(&unprefixed, b().signature), Ok(()));
    }

    #[test]
    fn a_secret_of_the_wrong_length_or_spelling_is_refused() {
        for (length, fine) in [(0, false), (23, false), (24, true), (64, true), (65, false)] {
            assert_eq!(Secret::new(vec![0; length]).is_ok(), fine, "{length}");
        }
        for text in ["", "whsec_"] {
            assert_eq!(Secret::parse(text).unwrap_err(), SecretProblem::Length { bytes: 0 }, "{text}");
        }
        for text in ["whsec_!", "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS-", "whsec_ MfKQ"] {
            assert_eq!(Secret::parse(text).unwrap_err(), SecretProblem::Encoding, "{text}");
        }
    }

    #[test]
    fn a_secret_of_any_length_signs_as_plain_hmac_does() {
        for length in SHORTEST_SECRET..=BLOCK {
            let bytes = vec![9; length];
            let mac = <Hmac<Sha256> as Mac>::new_from_slice(&bytes).unwrap().chain_update(b"content");
            assert_eq!(Secret::new(bytes).unwrap().sign(b"content"), STANDARD.encode(mac.finalize().into_bytes()), "{length}");
        }
    }

    #[test]
    fn a_signing_key_reads_back_and_shows_its_public_half() {
        let key = SigningKey::parse(&format!("whsk_{KEY_C}")).unwrap();
        assert_eq!(key.reveal(), format!("whsk_{KEY_C}"));
        assert_eq!(key.public(), "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=");
        let seed: [u8; 32] = STANDARD.decode(KEY_C).unwrap()[..32].try_into().unwrap();
        assert_eq!(SigningKey::from_seed(seed).reveal(), key.reveal());
    }

    #[test]
    fn a_key_that_is_no_pair_is_refused() {
        let pair = STANDARD.decode(KEY_C).unwrap();
        for at in 0..64 {
            let mut changed = pair.clone();
            changed[at] ^= 8;
            assert_eq!(SigningKey::parse(&STANDARD.encode(changed)).unwrap_err(), KeyProblem::Mismatch, "{at}");
        }
        for bytes in [0, 32, 63] {
            assert_eq!(SigningKey::parse(&STANDARD.encode(&pair[..bytes])).unwrap_err(), KeyProblem::Length { bytes });
        }
        assert_eq!(SigningKey::parse("whsk_!").unwrap_err(), KeyProblem::Encoding);
        assert_eq!(SigningKey::parse(&format!("whpk_{KEY_C}")).unwrap_err(), KeyProblem::Encoding);
    }

    #[test]
    fn debug_shows_nothing_secret() {
        assert_eq!(format!("{:?}", b().signer), "Hmac(Secret(..))");
        assert_eq!(format!("{:?}", c().signer), "Ed25519(SigningKey(whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=))");
    }
}
