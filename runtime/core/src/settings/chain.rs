//! The transformations of a connector and the predicates they depend on, as its configuration lists them.

use indexmap::IndexSet;
use millstream_api::{Config, ConfigValues};

/// A plugin under an alias, with its own settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepSettings {
    /// Its name in the configuration.
    pub alias: String,
    /// `type`, as given.
    pub class: String,
    /// Everything below `transforms.<alias>.` or `predicates.<alias>.`; plugins ignore what is not theirs.
    pub config: Config,
}

/// One transformation, in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransformSettings {
    /// Which one.
    pub step: StepSettings,
    /// The predicate that says for which records it is done; `None`: for all.
    pub predicate: Option<StepSettings>,
    /// Done where the predicate does not hold.
    pub negate: bool,
}

/// Reads the chain that `values` (the verdict on the keys every connector has) lists. What is wrong is added to `values`.
pub(super) fn chain(config: &Config, values: &mut ConfigValues) -> Vec<TransformSettings> {
    let predicates = steps("predicates", config, values);
    let mut chain = Vec::new();
    for step in steps("transforms", config, values) {
        let (predicate_key, negate_key) =
            (format!("transforms.{}.predicate", step.alias), format!("transforms.{}.negate", step.alias));
        let asked = step.config.get("predicate").map(str::trim).filter(|alias| !alias.is_empty());
        let predicate = asked.and_then(|asked| predicates.iter().find(|predicate| predicate.alias == asked).cloned());
        if asked.is_some() && predicate.is_none() {
            values.error(&predicate_key, format!("{predicate_key} names a predicate that predicates does not list"));
        }
        let negate = match step.config.get("negate").map(str::trim) {
            None => false,
            Some(text) if text.eq_ignore_ascii_case("true") => true,
            Some(text) if text.eq_ignore_ascii_case("false") => false,
            Some(_) => {
                values.error(&negate_key, format!("{negate_key} is neither true nor false"));
                false
            }
        };
        if step.config.contains("negate") && !step.config.contains("predicate") {
            values.error(&negate_key, format!("{negate_key} is set, but {predicate_key} names no predicate to negate"));
        }
        chain.push(TransformSettings { step, predicate, negate });
    }
    chain
}

fn steps(list: &str, config: &Config, values: &mut ConfigValues) -> Vec<StepSettings> {
    let aliases: IndexSet<String> = values.list(list).iter().cloned().collect();
    let step = |alias: String| {
        let settings = config.with_prefix(&format!("{list}.{alias}."));
        match settings.get("type").map(str::trim).filter(|class| !class.is_empty()) {
            Some(class) => Some(StepSettings { class: class.to_owned(), alias, config: settings }),
            None => {
                let key = format!("{list}.{alias}.type");
                values.error(&key, format!("Missing required configuration \"{key}\" which has no default value."));
                None
            }
        }
    };
    aliases.into_iter().filter_map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::plugin_def;
    use millstream_api::ConnectorKind;

    fn read(pairs: &[(&str, &str)]) -> (Vec<TransformSettings>, Vec<String>) {
        let mut config: Config = [("name", "n"), ("connector.class", "X")].into_iter().collect();
        pairs.iter().for_each(|(key, value)| config.set(*key, *value));
        let mut values = plugin_def(ConnectorKind::Source).validate(&config);
        let chain = chain(&config, &mut values);
        let wrong =
            values.iter().filter(|value| !value.errors.is_empty()).map(|value| value.key.name.clone()).collect();
        (chain, wrong)
    }

    #[test]
    fn a_chain_in_its_order() {
        let (chain, wrong) = read(&[
            ("transforms", "b,a"),
            ("transforms.a.type", "Filter"),
            ("transforms.a.predicate", "p"),
            ("transforms.a.negate", "TRUE"),
            ("transforms.b.type", "RegexRouter"),
            ("transforms.b.regex", "x"),
            ("predicates", "p"),
            ("predicates.p.type", "HasHeaderKey"),
            ("predicates.p.name", "h"),
        ]);
        assert!(wrong.is_empty(), "{wrong:?}");
        assert_eq!((chain[0].step.class.as_str(), chain[0].step.config.get("regex")), ("RegexRouter", Some("x")));
        let predicate = chain[1].predicate.as_ref().unwrap();
        assert_eq!((predicate.alias.as_str(), predicate.config.get("name"), chain[1].negate), ("p", Some("h"), true));
    }

    #[test]
    fn what_is_wrong_stands_on_its_key() {
        let (_, wrong) = read(&[
            ("transforms", "a,b,a"),
            ("transforms.a.type", "Filter"),
            ("transforms.a.predicate", "q"),
            ("transforms.a.negate", "maybe"),
            ("predicates", "p"),
        ]);
        let expected =
            ["transforms", "predicates.p.type", "transforms.b.type", "transforms.a.predicate", "transforms.a.negate"];
        assert_eq!(wrong, expected);
        assert_eq!(
            read(&[("transforms", "a"), ("transforms.a.type", "F"), ("transforms.a.negate", "true")]).1.len(),
            1
        );
    }
}
