use super::*;

use proptest::prelude::*;

/// Recorded from OpenJDK 17's ObjectOutputStream: three entries, one with a null value, one array written twice (by reference).
const THREE: &str = "aced0005737200116a6176612e7574696c2e486173684d61700507dac1c31660d103000246000a6c6f6164466163746f7249\
    00097468726573686f6c6478703f4000000000000c77080000001000000003757200025b42acf317f8060854e0020000787000000001787571007e\
    00020000000f5b2263222c7b2266223a2262227d5d7571007e0002000000165b2263222c7b2266696c656e616d65223a2261227d5d7571007e0002\
    0000000f7b22706f736974696f6e223a31347d71007e00047078";
const ONE: &str = "aced0005737200116a6176612e7574696c2e486173684d61700507dac1c31660d103000246000a6c6f6164466163746f724900\
    097468726573686f6c6478703f4000000000000c77080000001000000001757200025b42acf317f8060854e00200007870000000165b2263222c7b\
    2266696c656e616d65223a2261227d5d7571007e00020000000f7b22706f736974696f6e223a31347d78";
const EMPTY: &str = "aced0005737200116a6176612e7574696c2e486173684d61700507dac1c31660d103000246000a6c6f6164466163746f7249\
    00097468726573686f6c6478703f400000000000007708000000100000000078";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: String = hex.chars().filter(char::is_ascii_hexdigit).collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn entry(key: &str, value: Option<&str>) -> Entry {
    (Some(key.into()), value.map(Into::into))
}

#[test]
fn reads_what_java_wrote() {
    let shared = r#"["c",{"f":"b"}]"#;
    let read = read(&bytes(THREE)).unwrap();
    assert_eq!(
        read,
        [entry("x", Some(shared)), entry(r#"["c",{"filename":"a"}]"#, Some(r#"{"position":14}"#)), entry(shared, None)]
    );
    assert_eq!(super::read(&bytes(EMPTY)), Ok(Vec::new()));
}

#[test]
fn writes_as_java_does() {
    assert_eq!(write(&[]), bytes(EMPTY));
    assert_eq!(write(&[entry(r#"["c",{"filename":"a"}]"#, Some(r#"{"position":14}"#))]), bytes(ONE));
}

#[test]
fn a_round_trip_keeps_everything() {
    for count in [1, 2, 12, 13, 300] {
        let entries: Vec<_> = (0..count).map(|n| entry(&format!("k{n}"), (n % 3 != 0).then_some("v"))).collect();
        assert_eq!(read(&write(&entries)).unwrap(), entries);
    }
}

#[test]
fn damage_is_an_error_and_never_a_panic() {
    let whole = bytes(THREE);
    for end in 0..whole.len() {
        assert!(read(&whole[..end]).is_err());
    }
    for at in 0..whole.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = whole.clone();
            damaged[at] ^= flip;
            let _ = read(&damaged);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_entries_read_back(entries in prop::collection::vec(any::<(Option<Vec<u8>>, Option<Vec<u8>>)>(), 0..40)) {
        prop_assert_eq!(read(&write(&entries)), Ok(entries));
    }

    #[test]
    fn any_bytes_are_no_danger(
        mut bytes in prop_oneof![Just(bytes(THREE)), Just(bytes(EMPTY)), prop::collection::vec(any::<u8>(), 0..200)],
        changes in prop::collection::vec(any::<(prop::sample::Index, u8)>(), 0..6),
        end in any::<prop::sample::Index>(),
    ) {
        for (at, byte) in changes {
            let at = at.index(bytes.len().max(1));
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
        }
        let _ = read(&bytes);
        let _ = read(&bytes[..end.index(bytes.len() + 1)]);
    }
}
