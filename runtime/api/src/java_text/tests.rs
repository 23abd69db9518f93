//! Number texts against those that a JDK 17 printed.

use super::*;

fn double(value: f64) -> String {
    let mut out = Vec::new();
    write_double(&mut out, value);
    String::from_utf8(out).unwrap()
}

fn float(value: f32) -> String {
    let mut out = Vec::new();
    write_float(&mut out, value);
    String::from_utf8(out).unwrap()
}

fn decimal(unscaled: &str, scale: i64) -> String {
    let mut out = Vec::new();
    write_decimal(&mut out, unscaled, scale);
    String::from_utf8(out).unwrap()
}

/// Lines of `d` or `f`, the bits in hexadecimal, and what Java printed.
fn check(lines: &str) {
    for line in lines.lines() {
        let mut parts = line.split(' ');
        let (kind, bits, text) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let bits = u64::from_str_radix(bits, 16).unwrap();
        let ours = if kind == "d" { double(f64::from_bits(bits)) } else { float(f32::from_bits(bits as u32)) };
        assert_eq!(ours, text, "{line}");
    }
}

#[test]
fn floats_are_printed_as_by_java_17() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/jsonconverter/java17-floats.txt");
    check(&std::fs::read_to_string(path).unwrap());
}

#[test]
fn known_places() {
    let cases = [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1e7, "1.0E7"),
        (9_999_999.0, "9999999.0"),
        (0.001, "0.001"),
        (1e-4, "1.0E-4"),
        (1e23, "9.999999999999999E22"),
        (f64::from_bits(1), "4.9E-324"),
        (f64::MAX, "1.7976931348623157E308"),
        (f64::NAN, "NaN"),
        (f64::NEG_INFINITY, "-Infinity"),
    ];
    for (value, text) in cases {
        assert_eq!(double(value), text);
    }
    assert_eq!((float(1.4e-45), float(0.1), float(1e10)), ("1.4E-45".into(), "0.1".into(), "1.0E10".into()));
}

#[test]
fn decimals_are_printed_as_by_java() {
    let cases = [
        ("123", 2, "1.23"),
        ("-1", 2, "-0.01"),
        ("0", 2, "0.00"),
        ("156", 0, "156"),
        ("156", -2, "1.56E+4"),
        ("1", 10, "1E-10"),
        ("1", 6, "0.000001"),
        ("1", 7, "1E-7"),
        ("15000", 4, "1.5000"),
    ];
    for (unscaled, scale, text) in cases {
        assert_eq!(decimal(unscaled, scale), text);
    }
}
