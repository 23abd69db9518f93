//! Which database errors may heal by themselves.

use millstream_api::{Error, ErrorKind};

/// Turns an error of the driver into one of ours: retriable when trying again may help, else fatal.
pub fn database_error(what: impl Into<String>, error: sqlx::Error) -> Error {
    let code = error.as_database_error().and_then(|e| e.code()).map(|code| code.into_owned());
    let (kind, hint) = match (&error, code.as_deref()) {
        (_, Some(code)) => (kind_of(code), hint_of(code)),
        (sqlx::Error::Configuration(_) | sqlx::Error::Tls(_), _) => {
            (ErrorKind::Config, Some("look at sslmode, sslrootcert, sslcert and sslkey"))
        }
        (sqlx::Error::ColumnDecode { .. } | sqlx::Error::ColumnNotFound(_), _) => (ErrorKind::Internal, None),
        _ => (ErrorKind::Retriable, None),
    };
    let mut ours = Error::new(kind, what);
    if let Some(code) = code {
        ours = ours.at(format!("SQLSTATE {code}"));
    }
    if let Some(hint) = hint {
        ours = ours.hint(hint);
    }
    match error {
        // Its detail and context may hold values of rows; its message does not.
        sqlx::Error::Database(e) => ours.caused_by(e.message().to_owned()),
        // Its text tells its causes already.
        other => ours.caused_by(other.to_string()),
    }
}

/// What a SQLSTATE means. Classes 08 (connection), 40 (rolled back), 53 (resources), 57 (operator), 58 and XX (server) may heal.
fn kind_of(code: &str) -> ErrorKind {
    match code.get(..2) {
        Some("0A" | "22" | "28" | "2B" | "3D" | "3F" | "42" | "44") => ErrorKind::Fatal,
        _ => ErrorKind::Retriable,
    }
}

fn hint_of(code: &str) -> Option<&'static str> {
    Some(match code {
        "42501" => "grant SELECT on the table, and USAGE on its schema, to the user of connection.user",
        "42P01" | "42703" => "was it dropped or renamed?",
        "28P01" | "28000" => "look at connection.user and connection.password, and at the server's pg_hba.conf",
        "3D000" => "look at the database in connection.url",
        "53300" => "the server has no free connection: raise max_connections or lower tasks.max",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        for (code, kind) in [
            ("08006", ErrorKind::Retriable),
            ("40001", ErrorKind::Retriable),
            ("53300", ErrorKind::Retriable),
            ("57P01", ErrorKind::Retriable),
            ("42P01", ErrorKind::Fatal),
            ("42703", ErrorKind::Fatal),
            ("28P01", ErrorKind::Fatal),
            ("", ErrorKind::Retriable),
        ] {
            assert_eq!(kind_of(code), kind, "{code}");
        }
    }
}
