//! `response.http.headers.config`: headers that every answer gets.

use millstream_api::ConfigValues;

const KEY: &str = "response.http.headers.config";
const ACTIONS: [&str; 4] = ["set", "add", "setDate", "addDate"];

/// One header of every answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseHeader {
    /// Beside others of its name, rather than in their place.
    pub add: bool,
    /// Name, as given.
    pub name: String,
    /// What it says.
    pub value: HeaderValue,
}

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderValue {
    /// This text.
    Text(String),
    /// The time of the answer and so many milliseconds, as an HTTP date.
    DateIn(i64),
}

pub(super) fn of(values: &mut ConfigValues) -> Vec<ResponseHeader> {
    let text = values.text(KEY).unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    for item in split(&text) {
        match parse(&item) {
            Ok(header) => headers.push(header),
            Err(reason) => values.error(KEY, format!("Invalid value {item} for configuration {KEY}: {reason}")),
        }
    }
    headers
}

/// Java's checks in Java's words, and those of the server under it, which come when the worker is up already.
fn parse(item: &str) -> Result<ResponseHeader, String> {
    let Some((action, header)) = item.trim().split_once(char::is_whitespace) else {
        return Err(format!(
            "Invalid format of header config '{item}'. Expected: '[action] [header name]:[header value]'"
        ));
    };
    let Some(action) = ACTIONS.into_iter().find(|known| known.eq_ignore_ascii_case(action)) else {
        return Err(format!("Invalid header config action: '{action}'. Expected one of [{}]", ACTIONS.join(", ")));
    };
    let header = header.trim();
    let pair = header.split_once(':').filter(|(_, value)| !value.is_empty() && !value.contains(':'));
    let Some((name, value)) = pair else {
        return Err(format!(
            "Invalid format of header name and header value pair '{header}'. Expected: '[header name]:[header value]'"
        ));
    };
    let (name, value) = (name.trim(), value.trim());
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err(format!("Invalid header name '{name}'. The '[header name]' cannot contain whitespace"));
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)) {
        return Err(format!("Invalid header name '{name}': it holds what a header name cannot hold"));
    }
    if !value.bytes().all(|byte| byte == b'\t' || (0x20..0x7f).contains(&byte)) {
        return Err(format!("Invalid value of header {name}: only printable ASCII can be sent"));
    }
    let value = match action.ends_with("Date") {
        true => HeaderValue::DateIn(
            value.parse().map_err(|_| format!("'{value}' of header {name} is no number of milliseconds"))?,
        ),
        false => HeaderValue::Text(value.to_owned()),
    };
    Ok(ResponseHeader { add: action.starts_with("add"), name: name.to_owned(), value })
}

/// Items between commas; one in double quotes may hold commas, and `\` before a character keeps it.
fn split(text: &str) -> Vec<String> {
    let (mut items, mut item) = (Vec::new(), String::new());
    let (mut quoted, mut escaped, mut was_quoted) = (false, false, false);
    for c in text.trim().chars() {
        match c {
            _ if escaped => {
                item.push(c);
                escaped = false;
            }
            '\\' if quoted => escaped = true,
            '"' if quoted => quoted = false,
            '"' if item.trim().is_empty() && !was_quoted => {
                item.clear();
                (quoted, was_quoted) = (true, true);
            }
            ',' if !quoted => {
                items.push(std::mem::take(&mut item));
                was_quoted = false;
            }
            // Between a closing quote and the comma.
            _ if was_quoted && !quoted => {}
            _ => item.push(c),
        }
    }
    items.push(item);
    items.into_iter().map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_and_quotes() {
        assert_eq!(split(r#"set X: a, "add Y: b, \"c\"" ,set Z:d"#), ["set X: a", r#"add Y: b, "c""#, "set Z:d"]);
        assert_eq!(split(" "), Vec::<String>::new());
        assert_eq!(split(r#""set X: a"#), ["set X: a"]);
    }

    #[test]
    fn actions_names_and_values() {
        let header = |add, name: &str, value| Ok(ResponseHeader { add, name: name.to_owned(), value });
        let text = |text: &str| HeaderValue::Text(text.to_owned());
        assert_eq!(parse("set X-A: b, c"), header(false, "X-A", text("b, c")));
        assert_eq!(parse("ADD   X:b"), header(true, "X", text("b")));
        assert_eq!(
            parse("setDate Expires: 31540000000"),
            header(false, "Expires", HeaderValue::DateIn(31_540_000_000))
        );
        assert_eq!(parse("adddate X: -5"), header(true, "X", HeaderValue::DateIn(-5)));
        for (item, reason) in [
            ("foo X-A: b", "Invalid header config action: 'foo'. Expected one of [set, add, setDate, addDate]"),
            ("set", "Invalid format of header config 'set'. Expected: '[action] [header name]:[header value]'"),
            (
                "set XA",
                "Invalid format of header name and header value pair 'XA'. Expected: '[header name]:[header value]'",
            ),
            ("set XA:", "Invalid format of header name and header value pair 'XA:'."),
            ("set X: b:c", "Invalid format of header name and header value pair 'X: b:c'."),
            ("set X A: b", "Invalid header name 'X A'. The '[header name]' cannot contain whitespace"),
            ("set X@: b", "Invalid header name 'X@'"),
            ("set X: \u{7}b", "Invalid value of header X"),
            ("setDate X: zz", "'zz' of header X is no number"),
        ] {
            assert!(parse(item).unwrap_err().starts_with(reason), "{item}: {:?}", parse(item));
        }
    }
}
