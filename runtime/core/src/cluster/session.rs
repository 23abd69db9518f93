//! When the leader gives the workers a new key to sign their internal requests with.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use millstream_api::{Config, Error, Result, Secret};

use super::SessionKey;

/// Java's generators of keys for message authentication, and how many bytes their keys have unless a size is set.
const GENERATORS: [(&str, usize); 12] = [
    ("HmacMD5", 64),
    ("HmacSHA1", 64),
    ("HmacSHA224", 28),
    ("HmacSHA256", 32),
    ("HmacSHA384", 48),
    ("HmacSHA512", 64),
    ("HmacSHA512/224", 28),
    ("HmacSHA512/256", 32),
    ("HmacSHA3-224", 28),
    ("HmacSHA3-256", 32),
    ("HmacSHA3-384", 48),
    ("HmacSHA3-512", 64),
];

const ALGORITHM: &str = "inter.worker.key.generation.algorithm";
const SIZE: &str = "inter.worker.key.size";
const TTL: &str = "inter.worker.key.ttl.ms";
/// Java refuses shorter keys of the SHA-2 and SHA-3 family.
const SHORTEST_BITS: usize = 40;

/// How session keys are made and how long they live: the worker's `inter.worker.key.*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionKeyPolicy {
    algorithm: String,
    bytes: usize,
    /// In milliseconds; 0: for ever.
    ttl: i64,
}

/// What has to be done about the session key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKeyDue {
    /// There is none, it has expired, or it is not of the kind that is asked for: a new one must be written.
    Now,
    /// Nothing before this time, in epoch milliseconds.
    At(i64),
    /// Nothing, for this key does not expire.
    Never,
}

impl SessionKeyPolicy {
    /// Reads the worker's settings. `None` when internal requests are not signed: with any other `connect.protocol` than `sessioned`,
    /// which is the default.
    pub fn of(worker: &Config) -> Result<Option<Self>> {
        let given = |key: &str| worker.get(key).map(str::trim).filter(|text| !text.is_empty());
        if given("connect.protocol").is_some_and(|protocol| !protocol.eq_ignore_ascii_case("sessioned")) {
            return Ok(None);
        }
        let wrong = |key: &str, reason: &str| {
            Error::config(format!("Invalid value {} for configuration {key}: {reason}", given(key).unwrap_or_default()))
        };
        let number = |key: &str| {
            let parsed = given(key).map(|text| text.parse::<i32>().ok().filter(|number| *number >= 0));
            parsed.map(|number| number.ok_or_else(|| wrong(key, "a whole number is needed, 0 or more"))).transpose()
        };
        let asked = given(ALGORITHM).unwrap_or("HmacSHA256");
        let generator = GENERATORS.iter().find(|(name, _)| name.eq_ignore_ascii_case(asked));
        let (_, default_bytes) = generator.ok_or_else(|| {
            let names: Vec<_> = GENERATORS.iter().map(|(name, _)| *name).collect();
            wrong(ALGORITHM, &format!("it must be one of {}", names.join(", ")))
        })?;
        let bytes = match number(SIZE)?.and_then(|bits| usize::try_from(bits).ok()) {
            None => *default_bytes,
            Some(bits) if bits < SHORTEST_BITS => {
                return Err(wrong(SIZE, &format!("keys have at least {SHORTEST_BITS} bits")));
            }
            Some(bits) => bits.div_ceil(8),
        };
        Ok(Some(Self { algorithm: asked.to_owned(), bytes, ttl: number(TTL)?.unwrap_or(3_600_000).into() }))
    }

    /// How many random bytes a key is made of.
    pub fn key_bytes(&self) -> usize {
        self.bytes
    }

    /// A key of these raw bytes, made at `now` (epoch milliseconds).
    pub fn key(&self, bytes: &[u8], now: i64) -> SessionKey {
        SessionKey {
            key: Secret::new(STANDARD.encode(bytes)),
            algorithm: self.algorithm.clone(),
            creation_timestamp: now,
        }
    }

    /// What the leader has to do about the key that the workers have, at `now` (epoch milliseconds).
    pub fn due(&self, held: Option<&SessionKey>, now: i64) -> SessionKeyDue {
        let fits = |key: &SessionKey| {
            key.algorithm == self.algorithm
                && STANDARD.decode(key.key.expose()).is_ok_and(|raw| raw.len() == self.bytes)
        };
        let Some(key) = held.filter(|key| fits(key)) else { return SessionKeyDue::Now };
        if self.ttl == 0 {
            return SessionKeyDue::Never;
        }
        let expires = key.creation_timestamp.saturating_add(self.ttl);
        if expires <= now { SessionKeyDue::Now } else { SessionKeyDue::At(expires) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(settings: &[(&str, &str)]) -> Result<Option<SessionKeyPolicy>> {
        SessionKeyPolicy::of(&settings.iter().copied().collect())
    }

    fn some(settings: &[(&str, &str)]) -> SessionKeyPolicy {
        policy(settings).unwrap().unwrap()
    }

    #[test]
    fn only_sessioned_workers_sign() {
        assert!(policy(&[]).unwrap().is_some());
        assert!(policy(&[("connect.protocol", "Sessioned")]).unwrap().is_some());
        assert_eq!(policy(&[("connect.protocol", "compatible"), (TTL, "x")]).unwrap(), None);
        assert_eq!(policy(&[("connect.protocol", "eager")]).unwrap(), None);
    }

    #[test]
    fn keys_are_as_long_as_javas() {
        let bytes = |settings: &[(&str, &str)]| some(settings).key_bytes();
        assert_eq!(bytes(&[]), 32);
        assert_eq!(bytes(&[(ALGORITHM, "HmacSHA1")]), 64);
        assert_eq!(bytes(&[(SIZE, "41")]), 6);
        for (key, value) in [(ALGORITHM, "Rot13"), (SIZE, "39"), (SIZE, "-1"), (TTL, "soon")] {
            let error = policy(&[(key, value)]).unwrap_err().to_string();
            assert!(error.contains(key) && error.contains(value), "{error}");
        }
    }

    #[test]
    fn a_key_is_replaced_when_it_expires_or_does_not_fit() {
        let hourly = some(&[]);
        let key = hourly.key(&[7; 32], 1000);
        assert_eq!((key.algorithm.as_str(), key.creation_timestamp), ("HmacSHA256", 1000));
        assert_eq!(key.key.expose(), "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
        assert_eq!(hourly.due(None, 0), SessionKeyDue::Now);
        assert_eq!(hourly.due(Some(&key), 1000), SessionKeyDue::At(3_601_000));
        assert_eq!(hourly.due(Some(&key), 3_600_999), SessionKeyDue::At(3_601_000));
        assert_eq!(hourly.due(Some(&key), 3_601_000), SessionKeyDue::Now);
        assert_eq!(some(&[(TTL, "0")]).due(Some(&key), i64::MAX), SessionKeyDue::Never);
        assert_eq!(some(&[(SIZE, "128")]).due(Some(&key), 1000), SessionKeyDue::Now);
        assert_eq!(some(&[(ALGORITHM, "HmacSHA512/256")]).due(Some(&key), 1000), SessionKeyDue::Now);
        let unreadable = SessionKey { key: Secret::new("no base64"), ..key };
        assert_eq!(hourly.due(Some(&unreadable), 1000), SessionKeyDue::Now);
    }
}
