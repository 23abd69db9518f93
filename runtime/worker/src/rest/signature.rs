//! Signatures of requests between workers: an HMAC of the body with the group's session key.

use aws_lc_rs::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA224, HMAC_SHA256, HMAC_SHA384, HMAC_SHA512};
use axum::http::{HeaderMap, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use millstream_api::{Error, Result};
use millstream_core::cluster::SessionKey;

use super::answer::{self, Failure};

/// The header with the Base64 of the signature.
pub const AUTHORIZATION: &str = "X-Connect-Authorization";
/// The header with Java's name of the algorithm.
pub const ALGORITHM: &str = "X-Connect-Request-Signature-Algorithm";

/// A signature as a request carries it.
pub(super) struct Signature {
    algorithm: hmac::Algorithm,
    name: String,
    bytes: Vec<u8>,
}

/// The algorithm of Java's name, exactly.
fn algorithm(name: &str) -> Option<hmac::Algorithm> {
    Some(match name {
        "HmacSHA1" => HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        "HmacSHA224" => HMAC_SHA224,
        "HmacSHA256" => HMAC_SHA256,
        "HmacSHA384" => HMAC_SHA384,
        "HmacSHA512" => HMAC_SHA512,
        _ => return None,
    })
}

fn key(session: &SessionKey, algorithm: hmac::Algorithm) -> Result<hmac::Key> {
    let bytes = STANDARD.decode(session.key.expose()).map_err(|_| Error::internal("the session key is not Base64"))?;
    Ok(hmac::Key::new(algorithm, &bytes))
}

/// The value of [`AUTHORIZATION`] for a body. An error of kind `Config` when the algorithm is not there.
pub fn sign(body: &[u8], session: &SessionKey, algorithm_name: &str) -> Result<String> {
    let algorithm = algorithm(algorithm_name).ok_or_else(|| unavailable(algorithm_name))?;
    Ok(STANDARD.encode(hmac::sign(&key(session, algorithm)?, body)))
}

fn unavailable(name: &str) -> Error {
    Error::config(format!("Algorithm {name} not available"))
}

impl Signature {
    /// The signature of a request; `None` when one of the two headers is missing.
    pub(super) fn of(headers: &HeaderMap) -> Result<Option<Self>> {
        let text = |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let (Some(name), Some(code)) = (text(ALGORITHM), text(AUTHORIZATION)) else { return Ok(None) };
        let algorithm = algorithm(&name).ok_or_else(|| unavailable(&name))?;
        let bytes =
            STANDARD.decode(code).map_err(|_| Error::config(format!("header {AUTHORIZATION} is not Base64")))?;
        Ok(Some(Self { algorithm, name, bytes }))
    }

    fn is_of(&self, body: &[u8], session: &SessionKey) -> Result<bool> {
        Ok(hmac::verify(&key(session, self.algorithm)?, body, &self.bytes).is_ok())
    }
}

/// Is the body signed by a worker of the group? The failures are those of Kafka Connect.
pub(super) fn check(
    signature: Option<Signature>,
    body: &[u8],
    session: Option<&SessionKey>,
    algorithms: &[String],
) -> Result<(), Failure> {
    let Some(signature) = signature else {
        return Err(Error::config("Internal request missing required signature").into());
    };
    if !algorithms.contains(&signature.name) {
        return Err(Error::config(format!(
            "This worker does not support the '{}' key signing algorithm used by other workers. This worker is currently \
             configured to use: [{}]. Check that all workers' configuration files permit the same set of signature algorithms, \
             and correct any misconfigured worker and restart it.",
            signature.name,
            algorithms.join(", ")
        ))
        .into());
    }
    let Some(session) = session else {
        let message =
            "This worker is still starting up and has not been able to read a session key from the config topic yet";
        return Err(answer::error(StatusCode::SERVICE_UNAVAILABLE, message).into());
    };
    match signature.is_of(body, session)? {
        true => Ok(()),
        false => Err(Error::forbidden("Internal request contained invalid signature.").into()),
    }
}

#[cfg(test)]
mod tests {
    use millstream_api::Secret;

    use super::*;

    #[test]
    fn known_signatures() {
        // RFC 4231, test case 2.
        let session =
            SessionKey { key: Secret::new("SmVmZQ=="), algorithm: "HmacSHA256".to_owned(), creation_timestamp: 0 };
        let body = b"what do ya want for nothing?";
        assert_eq!(sign(body, &session, "HmacSHA256").unwrap(), "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
        assert!(sign(body, &session, "HmacMD5").is_err() && sign(body, &session, "hmacsha256").is_err());
    }
}
