//! Where answers differ from Kafka Connect's on purpose, and what comes later.

use super::golden::Exchange;

/// One known difference: which exchanges, our status, and why.
pub(super) struct Difference {
    file: &'static str,
    applies: fn(&Exchange) -> bool,
    pub(super) ours: u16,
    pub(super) reason: &'static str,
}

fn body(exchange: &Exchange) -> &str {
    exchange.raw.as_deref().unwrap_or_default()
}

/// A standalone worker has no others.
fn between_workers_of_none(exchange: &Exchange) -> bool {
    exchange.path == "/connectors/sa2/tasks"
}

fn escaped(path: &str) -> bool {
    ["%2F", "%25", "%5C", "%0A"].iter().any(|escape| path.contains(escape))
}

const DIFFERENCES: &[Difference] = &[
    Difference {
        file: "*",
        applies: |e| e.status == 500 && e.raw.is_some() && !body(e).contains("{x}") && !between_workers_of_none(e),
        ours: 400,
        reason: "a body that cannot be read, and one that names an unknown class or version, is the client's mistake",
    },
    Difference {
        file: "basic-auth",
        applies: |e| e.status == 500,
        ours: 400,
        reason: "an Authorization header that is not Base64 is the client's mistake",
    },
    Difference {
        file: "malformed-bodies",
        applies: |e| e.method == "PATCH" && e.status == 404,
        ours: 400,
        reason: "an empty body or null is no patch; it is refused before the connector is looked up",
    },
    Difference {
        file: "names",
        applies: |e| body(e).contains("{x}"),
        ours: 201,
        reason: "Java creates this one too, and fails while it writes the Location header",
    },
    Difference {
        file: "names",
        applies: |e| {
            e.method == "POST" && (body(e).contains("x/y") || body(e).contains("a%2Fb") || body(e).contains("a;b"))
        },
        ours: 201,
        reason: "the Location of a name with a slash, percent sign or semicolon leads to that connector",
    },
    Difference {
        file: "names",
        applies: |e| e.path.contains("%2F") && e.method == "PUT",
        ours: 201,
        reason: "such names can be created by POST, so they can be created here",
    },
    Difference {
        file: "names",
        applies: |e| e.path.contains("%25") && e.method == "PUT",
        ours: 201,
        reason: "such names can be created by POST, so they can be created here",
    },
    Difference {
        file: "names",
        applies: |e| e.path == "/connectors/a%2Fb" && e.method == "GET",
        ours: 404,
        reason: "an escaped slash is part of a name; this one was not created (a%252Fb was)",
    },
    Difference {
        file: "names",
        applies: |e| escaped(&e.path) && e.method == "DELETE" && !e.path.contains("%0A"),
        ours: 204,
        reason: "such names can be created, so they can be deleted",
    },
    Difference {
        file: "names",
        applies: |e| e.path.contains("%0A") && e.method != "PUT",
        ours: 404,
        reason: "a line feed cannot be in a name, so there is no such connector",
    },
    Difference {
        file: "names",
        applies: |e| escaped(&e.path) && e.method == "GET",
        ours: 200,
        reason: "such names can be created, so they can be read",
    },
    Difference {
        file: "names",
        applies: |e| e.path == "/connectors" && e.method == "GET",
        ours: 200,
        reason: "the list lacks the names that Java could not delete",
    },
    Difference {
        file: "unknown-paths",
        applies: |e| e.path == "/metrics",
        ours: 200,
        reason: "Millstream's own route",
    },
    Difference {
        file: "unknown-paths",
        applies: |e| e.status == 400 && !e.path.contains("//"),
        ours: 404,
        reason: "a JSON 404 in place of an HTML 400: these paths name nothing",
    },
    Difference {
        file: "*",
        applies: |e| e.status == 400 && e.answer_is_html(),
        ours: 400,
        reason: "a JSON error in place of an HTML page",
    },
    Difference {
        file: "config-update",
        applies: |e| e.method == "PATCH" && body(e).contains("\"other\""),
        ours: 400,
        reason: "another name in the config would make it unusable for a later PUT",
    },
    Difference {
        file: "config-update",
        applies: |e| e.answer_text().contains("\"name\":\"other\""),
        ours: 200,
        reason: "the name was not changed before",
    },
    Difference {
        file: "connector-plugins",
        applies: |e| e.status == 500 || e.status == 400 && !e.path.contains("version="),
        ours: 404,
        reason: "a class that is no plugin of this worker is not found, whatever else it is in Java",
    },
    Difference {
        file: "connector-plugins",
        applies: |e| e.path.contains("4.0,5.0"),
        ours: 400,
        reason: "plugins are compiled in, each in one version, which is named as it is: no version ranges",
    },
];

/// The known difference that covers an exchange.
pub(super) fn difference(file: &str, exchange: &Exchange) -> Option<&'static Difference> {
    DIFFERENCES.iter().find(|known| (known.file == "*" || known.file == file) && (known.applies)(exchange))
}

/// Parts of the API that are not there yet.
pub(super) fn later(exchange: &Exchange) -> bool {
    let path = exchange.path.split('?').next().unwrap_or_default();
    path.ends_with("/offsets")
}
