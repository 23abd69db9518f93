//! The names that Java knows character sets by.

/// The name by which this crate knows a set, of any of Java's names for it, whatever the case of its letters.
pub(super) fn canonical(name: &str) -> Option<&'static str> {
    let is = |known: &str| known.eq_ignore_ascii_case(name);
    ALIASES
        .iter()
        .find(|(canonical, aliases)| is(canonical) || aliases.iter().copied().any(is))
        .map(|(canonical, _)| *canonical)
}

const ALIASES: &[(&str, &[&str])] = &[
    ("UTF-8", &["UTF8", "unicode-1-1-utf-8"]),
    ("UTF-16", &["UTF_16", "UnicodeBig", "unicode", "utf16"]),
    ("UTF-16BE", &["ISO-10646-UCS-2", "UTF_16BE", "UnicodeBigUnmarked", "X-UTF-16BE"]),
    ("UTF-16LE", &["UTF_16LE", "UnicodeLittleUnmarked", "X-UTF-16LE"]),
    (
        "US-ASCII",
        &[
            "646",
            "ANSI_X3.4-1968",
            "ANSI_X3.4-1986",
            "ASCII",
            "IBM367",
            "ISO646-US",
            "ISO_646.irv:1991",
            "ascii7",
            "cp367",
            "csASCII",
            "default",
            "iso-ir-6",
            "iso_646.irv:1983",
            "us",
        ],
    ),
    (
        "ISO-8859-1",
        &[
            "819",
            "8859_1",
            "IBM-819",
            "IBM819",
            "ISO8859-1",
            "ISO8859_1",
            "ISO_8859-1",
            "ISO_8859-1:1987",
            "ISO_8859_1",
            "cp819",
            "csISOLatin1",
            "iso-ir-100",
            "l1",
            "latin1",
        ],
    ),
    ("WINDOWS-1250", &["cp1250", "cp5346"]),
    ("WINDOWS-1251", &["ansi-1251", "cp1251", "cp5347"]),
    ("WINDOWS-1252", &["cp1252", "cp5348", "ibm-1252", "ibm1252"]),
    ("WINDOWS-1253", &["cp1253", "cp5349"]),
    ("WINDOWS-1254", &["cp1254", "cp5350"]),
    ("WINDOWS-1256", &["cp1256"]),
    ("WINDOWS-1257", &["cp1257", "cp5353"]),
    ("WINDOWS-1258", &["cp1258"]),
    (
        "ISO-8859-2",
        &[
            "8859_2",
            "912",
            "ISO8859-2",
            "ISO_8859-2",
            "ISO_8859-2:1987",
            "cp912",
            "csISOLatin2",
            "ibm-912",
            "ibm912",
            "iso-ir-101",
            "iso8859_2",
            "l2",
            "latin2",
        ],
    ),
    (
        "ISO-8859-3",
        &[
            "8859_3",
            "913",
            "ISO8859-3",
            "ISO_8859-3",
            "ISO_8859-3:1988",
            "cp913",
            "csISOLatin3",
            "ibm-913",
            "ibm913",
            "iso-ir-109",
            "iso8859_3",
            "l3",
            "latin3",
        ],
    ),
    (
        "ISO-8859-4",
        &[
            "8859_4",
            "914",
            "ISO_8859-4",
            "ISO_8859-4:1988",
            "cp914",
            "csISOLatin4",
            "ibm-914",
            "ibm914",
            "iso-ir-110",
            "iso8859-4",
            "iso8859_4",
            "l4",
            "latin4",
        ],
    ),
    (
        "ISO-8859-5",
        &[
            "8859_5",
            "915",
            "ISO8859-5",
            "ISO_8859-5",
            "ISO_8859-5:1988",
            "cp915",
            "csISOLatinCyrillic",
            "cyrillic",
            "ibm-915",
            "ibm915",
            "iso-ir-144",
            "iso8859_5",
        ],
    ),
    (
        "ISO-8859-6",
        &[
            "1089",
            "8859_6",
            "ASMO-708",
            "ECMA-114",
            "ISO8859-6",
            "ISO_8859-6",
            "ISO_8859-6:1987",
            "arabic",
            "cp1089",
            "csISOLatinArabic",
            "ibm-1089",
            "ibm1089",
            "iso-ir-127",
            "iso8859_6",
        ],
    ),
    (
        "ISO-8859-7",
        &[
            "813",
            "8859_7",
            "ECMA-118",
            "ELOT_928",
            "ISO_8859-7",
            "ISO_8859-7:1987",
            "cp813",
            "csISOLatinGreek",
            "greek",
            "greek8",
            "ibm-813",
            "ibm813",
            "iso-ir-126",
            "iso8859-7",
            "iso8859_7",
            "sun_eu_greek",
        ],
    ),
    (
        "ISO-8859-8",
        &[
            "8859_8",
            "916",
            "ISO8859-8",
            "ISO_8859-8",
            "ISO_8859-8:1988",
            "cp916",
            "csISOLatinHebrew",
            "hebrew",
            "ibm-916",
            "ibm916",
            "iso-ir-138",
            "iso8859_8",
        ],
    ),
    ("ISO-8859-13", &["8859_13", "ISO8859-13", "iso8859_13", "iso_8859-13"]),
    (
        "ISO-8859-15",
        &[
            "8859_15",
            "923",
            "IBM-923",
            "IBM923",
            "ISO8859-15",
            "ISO8859_15",
            "ISO8859_15_FDIS",
            "ISO_8859-15",
            "L9",
            "LATIN0",
            "LATIN9",
            "Latin-9",
            "cp923",
            "csISO885915",
            "csISOlatin0",
            "csISOlatin9",
        ],
    ),
    ("ISO-8859-16", &["ISO8859_16", "ISO_8859-16", "ISO_8859-16:2001", "csISO885916", "iso-ir-226", "l10", "latin10"]),
    ("KOI8-R", &["cskoi8r", "koi8", "koi8_r"]),
    ("IBM866", &["866", "cp866", "csIBM866", "ibm-866"]),
    (
        "EUC-KR",
        &[
            "5601",
            "csEUCKR",
            "euc_kr",
            "euckr",
            "ks_c_5601-1987",
            "ksc5601",
            "ksc5601-1987",
            "ksc5601_1987",
            "ksc_5601",
        ],
    ),
    ("SHIFT_JIS", &["csShiftJIS", "ms_kanji", "shift-jis", "sjis", "x-sjis"]),
    ("WINDOWS-31J", &["MS932", "csWindows31J", "windows-932"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case() {
        for (name, set) in [("Cp1252", "WINDOWS-1252"), ("utf8", "UTF-8"), ("L1", "ISO-8859-1"), ("SJIS", "SHIFT_JIS")]
        {
            assert_eq!(canonical(name), Some(set), "{name}");
        }
        assert_eq!(canonical("Big5"), None);
        let mut all: Vec<String> =
            ALIASES.iter().flat_map(|(_, names)| names.iter().map(|name| name.to_lowercase())).collect();
        all.sort();
        assert!(all.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
