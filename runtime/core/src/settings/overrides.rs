//! Which client settings a connector may change (KIP-458).

/// `connector.client.config.override.policy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OverridePolicy {
    /// Every setting.
    All,
    /// None.
    None,
    /// Those that say who connects: `sasl.jaas.config`, `sasl.mechanism`, `security.protocol`.
    Principal,
    /// Those of `connector.client.config.override.allowlist`.
    Allowlist(Vec<String>),
}

const SUFFIX: &str = "ConnectorClientConfigOverridePolicy";

impl OverridePolicy {
    /// Reads the policy's name: `All`, or Java's class name in full or simple.
    pub fn parse(name: &str, allowlist: &[String]) -> Option<Self> {
        let simple = name.trim().rsplit('.').next().unwrap_or_default();
        match simple.strip_suffix(SUFFIX).unwrap_or(simple) {
            "All" => Some(Self::All),
            "None" => Some(Self::None),
            "Principal" => Some(Self::Principal),
            "Allowlist" => Some(Self::Allowlist(allowlist.to_vec())),
            _ => None,
        }
    }

    /// The policy's short name.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::All => "All",
            Self::None => "None",
            Self::Principal => "Principal",
            Self::Allowlist(_) => "Allowlist",
        }
    }

    /// Whether a connector may set this client setting (named without its prefix).
    pub fn allows(&self, setting: &str) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Principal => matches!(setting, "sasl.jaas.config" | "sasl.mechanism" | "security.protocol"),
            Self::Allowlist(names) => names.iter().any(|name| name == setting),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_what_they_allow() {
        let list = ["acks".to_owned()];
        let full = "org.apache.kafka.connect.connector.policy.PrincipalConnectorClientConfigOverridePolicy";
        let allowed = |name| OverridePolicy::parse(name, &list).unwrap();
        assert!(allowed("All").allows("x"));
        assert!(!allowed("NoneConnectorClientConfigOverridePolicy").allows("acks"));
        assert!(allowed(full).allows("sasl.mechanism") && !allowed(full).allows("acks"));
        assert!(allowed("Allowlist").allows("acks") && !allowed("Allowlist").allows("linger.ms"));
        assert_eq!(OverridePolicy::parse("org.example.Mine", &[]), None);
    }
}
