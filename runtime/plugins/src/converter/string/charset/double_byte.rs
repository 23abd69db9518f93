//! Character sets of one and two bytes, as Java has them: close to those of the web, but not the same.

use std::collections::HashMap;
use std::sync::LazyLock;

use encoding_rs::{EUC_KR, Encoding, SHIFT_JIS};

/// A character set of one and two bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum DoubleByte {
    ShiftJis,
    Windows31J,
    EucKr,
}

/// What the bytes of a set stand for, and back. A pair begins with a byte from 0x80 on.
struct Table {
    single: [Option<char>; 256],
    pairs: Vec<Option<char>>,
    leads: [bool; 256],
    bytes: HashMap<char, Vec<u8>>,
}

/// Where Java's Shift_JIS has another character than the web's, which is that of Windows.
const SHIFT_JIS_OWN: [(char, char); 7] = [
    ('\u{2015}', '\u{2014}'),
    ('\u{ff5e}', '\u{301c}'),
    ('\u{2225}', '\u{2016}'),
    ('\u{ff0d}', '\u{2212}'),
    ('\u{ffe0}', '\u{a2}'),
    ('\u{ffe1}', '\u{a3}'),
    ('\u{ffe2}', '\u{ac}'),
];

/// What Java writes for characters that a set does not have but has something like.
const SHIFT_JIS_ALIKE: [(char, char); 2] = [('\u{a5}', '\\'), ('\u{203e}', '~')];
const WINDOWS_31J_ALIKE: [(char, char); 10] = [
    ('\u{a2}', '\u{ffe0}'),
    ('\u{a3}', '\u{ffe1}'),
    ('\u{ab}', '\u{226a}'),
    ('\u{ac}', '\u{ffe2}'),
    ('\u{af}', '\u{ffe3}'),
    ('\u{b5}', '\u{3bc}'),
    ('\u{b7}', '\u{30fb}'),
    ('\u{b8}', '\u{ff0c}'),
    ('\u{bb}', '\u{226b}'),
    ('\u{3094}', '\u{30f4}'),
];

/// What Java's EUC-KR has more.
const EUC_KR_MORE: ((DoubleByte, u8, u8), char) = ((DoubleByte::EucKr, 0xa2, 0xe8), '\u{327e}');

impl DoubleByte {
    fn web(self) -> &'static Encoding {
        match self {
            Self::ShiftJis | Self::Windows31J => SHIFT_JIS,
            Self::EucKr => EUC_KR,
        }
    }

    fn table(self) -> &'static Table {
        static TABLES: LazyLock<[Table; 3]> =
            LazyLock::new(|| [DoubleByte::ShiftJis, DoubleByte::Windows31J, DoubleByte::EucKr].map(Table::of));
        let [shift_jis, windows_31j, euc_kr] = &*TABLES;
        match self {
            Self::ShiftJis => shift_jis,
            Self::Windows31J => windows_31j,
            Self::EucKr => euc_kr,
        }
    }

    /// What Java has for a pair of bytes that the web has a character for.
    fn own(self, pair: [u8; 2], character: char) -> Option<char> {
        match (self, pair) {
            (Self::ShiftJis, [0x87 | 0xed..=0xff, _]) => None,
            (Self::ShiftJis, _) => {
                let own = SHIFT_JIS_OWN.iter().find(|(web, _)| *web == character);
                Some(own.map_or(character, |(_, own)| *own))
            }
            (Self::Windows31J, _) => Some(character),
            (Self::EucKr, [0xa1..=0xff, 0xa1..=0xff]) => Some(character),
            (Self::EucKr, _) => None,
        }
    }

    /// The text of bytes; what stands for nothing becomes the replacement character.
    pub fn decode(self, bytes: &[u8]) -> String {
        let table = self.table();
        let mut text = String::with_capacity(bytes.len());
        let mut rest = bytes;
        while let [first, after @ ..] = rest {
            rest = after;
            if let Some(character) = table.single(*first) {
                text.push(character);
                continue;
            }
            let Some((second, after)) = rest.split_first() else {
                text.push(char::REPLACEMENT_CHARACTER);
                break;
            };
            match table.pair([*first, *second]) {
                Some(character) => {
                    text.push(character);
                    rest = after;
                }
                None => {
                    text.push(char::REPLACEMENT_CHARACTER);
                    // The second byte may begin something of its own.
                    let begins = table.is_lead(*second) || table.single(*second).is_some();
                    if table.is_lead(*first) && !begins {
                        rest = after;
                    }
                }
            }
        }
        text
    }

    /// Appends the text's bytes; what the set does not have becomes a question mark.
    pub fn encode(self, text: &str, out: &mut Vec<u8>) {
        let table = self.table();
        for character in text.chars() {
            out.extend_from_slice(table.bytes.get(&character).map_or(&b"?"[..], Vec::as_slice));
        }
    }
}

impl Table {
    fn of(set: DoubleByte) -> Self {
        let character = |bytes: &[u8]| -> Option<char> {
            let text = set.web().decode_without_bom_handling_and_without_replacement(bytes)?;
            let mut characters = text.chars();
            characters.next().filter(|_| characters.next().is_none())
        };
        let mut table = Self {
            single: [None; 256],
            pairs: Vec::with_capacity(128 * 256),
            leads: [false; 256],
            bytes: HashMap::new(),
        };
        for byte in 0..=u8::MAX {
            // What the web reads as a control character is nothing to Java.
            let single = character(&[byte]).filter(|c| !('\u{80}'..='\u{9f}').contains(c));
            if let Some(place) = table.single.get_mut(usize::from(byte)) {
                *place = single;
            }
            if let Some(character) = single {
                table.bytes.entry(character).or_insert_with(|| vec![byte]);
            }
        }
        for first in 0x80..=u8::MAX {
            for second in 0..=u8::MAX {
                let single = table.single(first).is_some();
                let found = character(&[first, second]).filter(|_| !single).and_then(|c| set.own([first, second], c));
                let found = if (set, first, second) == EUC_KR_MORE.0 { Some(EUC_KR_MORE.1) } else { found };
                table.pairs.push(found);
                let Some(found) = found else { continue };
                if let Some(lead) = table.leads.get_mut(usize::from(first)) {
                    *lead = true;
                }
                // Of several pairs the one that the web writes; where that has none, the first.
                let text = String::from(found);
                let (written, _, unmapped) = set.web().encode(&text);
                let is_own = unmapped || *written == [first, second];
                if is_own || !table.bytes.contains_key(&found) {
                    table.bytes.insert(found, vec![first, second]);
                }
            }
        }
        let alike: &[&[(char, char)]] = match set {
            DoubleByte::ShiftJis => &[&SHIFT_JIS_ALIKE],
            DoubleByte::Windows31J => &[&SHIFT_JIS_ALIKE, &WINDOWS_31J_ALIKE],
            DoubleByte::EucKr => &[],
        };
        for (character, like) in alike.iter().copied().flatten() {
            if let Some(bytes) = table.bytes.get(like).cloned() {
                table.bytes.insert(*character, bytes);
            }
        }
        table
    }

    fn single(&self, byte: u8) -> Option<char> {
        self.single.get(usize::from(byte)).copied().flatten()
    }

    fn pair(&self, pair: [u8; 2]) -> Option<char> {
        let [first, second] = pair;
        let row = usize::from(first).checked_sub(0x80)?;
        self.pairs.get(row * 256 + usize::from(second)).copied().flatten()
    }

    fn is_lead(&self, byte: u8) -> bool {
        self.leads.get(usize::from(byte)).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_the_web_has_is_nothing() {
        let encoded = |set: DoubleByte, text: &str| {
            let mut out = Vec::new();
            set.encode(text, &mut out);
            out
        };
        assert_eq!(DoubleByte::EucKr.decode(b"\xb0\xa1\x81\x41x"), "가\u{fffd}Ax");
        assert_eq!(encoded(DoubleByte::EucKr, "가갂"), b"\xb0\xa1?");
        assert_eq!(DoubleByte::ShiftJis.decode(b"\x81\x60\x87\x40"), "\u{301c}\u{fffd}@");
        assert_eq!(DoubleByte::Windows31J.decode(b"\x81\x60\x87\x40"), "\u{ff5e}①");
        assert_eq!(encoded(DoubleByte::ShiftJis, "\u{301c}\u{ff5e}①"), b"\x81\x60??");
        assert_eq!(encoded(DoubleByte::Windows31J, "\u{ff5e}①¥«"), b"\x81\x60\x87\x40\x5c\x81\xe1");
    }

    #[test]
    fn a_byte_after_half_a_character_counts_if_it_begins_one() {
        assert_eq!(DoubleByte::Windows31J.decode(b"\xef\xbe"), "\u{fffd}\u{ff7e}");
        assert_eq!(DoubleByte::Windows31J.decode(b"\x81"), "\u{fffd}");
        assert_eq!(DoubleByte::Windows31J.decode(b"\x81\xff!"), "\u{fffd}!");
    }
}
