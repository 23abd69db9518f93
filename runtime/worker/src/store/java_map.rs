//! A `HashMap<byte[], byte[]>` in Java's object serialisation: the whole content of Kafka Connect's standalone offsets file.
//!
//! Only what such a map needs of the Java Object Serialization Stream Protocol (version 5): one object of `java.util.HashMap`, its
//! two fields, a block of counts, then keys and values as arrays of `byte` or null. Anything else is refused.

/// A key and a value; either may be null in Java's map.
pub type Entry = (Option<Vec<u8>>, Option<Vec<u8>>);

const HEADER: [u8; 4] = [0xac, 0xed, 0x00, 0x05];
const NULL: u8 = 0x70;
const REFERENCE: u8 = 0x71;
const CLASS: u8 = 0x72;
const OBJECT: u8 = 0x73;
const ARRAY: u8 = 0x75;
const BLOCK: u8 = 0x77;
const END: u8 = 0x78;
const FIRST_HANDLE: u32 = 0x007e_0000;

const HASH_MAP: &str = "java.util.HashMap";
/// `serialVersionUID` of `java.util.HashMap`, then flags (serialisable, with a `writeObject` of its own), two fields, no superclass.
const HASH_MAP_ID: [u8; 8] = [0x05, 0x07, 0xda, 0xc1, 0xc3, 0x16, 0x60, 0xd1];
const BYTES: &str = "[B";
/// `serialVersionUID` of `byte[]`.
const BYTES_ID: [u8; 8] = [0xac, 0xf3, 0x17, 0xf8, 0x06, 0x08, 0x54, 0xe0];

/// Reads such a map. The reason of a failure holds no content.
pub fn read(bytes: &[u8]) -> Result<Vec<Entry>, &'static str> {
    let mut reader = Reader { rest: bytes, handles: Vec::new() };
    if reader.take(4)? != HEADER {
        return Err("it does not begin as serialised Java data");
    }
    if reader.byte()? != OBJECT {
        return Err("it does not hold an object");
    }
    reader.class(HASH_MAP)?;
    reader.handles.push(Held::Other);
    // loadFactor and threshold; then a block with the number of buckets and of entries.
    reader.take(8)?;
    if reader.byte()? != BLOCK || reader.byte()? != 8 {
        return Err("the map's counts are missing");
    }
    reader.int()?;
    let count = usize::try_from(reader.int()?).map_err(|_| "the number of entries is negative")?;
    let mut entries = Vec::new();
    for _ in 0..count {
        entries.push((reader.array()?, reader.array()?));
    }
    if reader.byte()? != END {
        return Err("the map does not end after its entries");
    }
    Ok(entries)
}

/// Writes such a map, as Java's `ObjectOutputStream` does for a `HashMap` made with its default load factor.
pub fn write(entries: &[Entry]) -> Vec<u8> {
    // Java's table: a power of two, 16 at least, at most three quarters full. An empty map has no table yet.
    let mut buckets = 16usize;
    while buckets / 4 * 3 < entries.len() {
        buckets *= 2;
    }
    let threshold = if entries.is_empty() { 0 } else { buckets / 4 * 3 };
    let number = |n: usize| i32::try_from(n).unwrap_or(i32::MAX).to_be_bytes();
    let mut out = HEADER.to_vec();
    out.push(OBJECT);
    class(&mut out, HASH_MAP, HASH_MAP_ID, 0x03, &[(b'F', "loadFactor"), (b'I', "threshold")]);
    out.extend(0.75f32.to_be_bytes());
    out.extend(number(threshold));
    out.extend([BLOCK, 8]);
    out.extend(number(buckets));
    out.extend(number(entries.len()));
    let mut first = true;
    for bytes in entries.iter().flat_map(|(key, value)| [key, value]) {
        let Some(bytes) = bytes else {
            out.push(NULL);
            continue;
        };
        out.push(ARRAY);
        if std::mem::take(&mut first) {
            class(&mut out, BYTES, BYTES_ID, 0x02, &[]);
        } else {
            // The class of arrays was the third thing given a handle, after the map's class and the map.
            out.push(REFERENCE);
            out.extend((FIRST_HANDLE + 2).to_be_bytes());
        }
        out.extend(number(bytes.len()));
        out.extend(bytes);
    }
    out.push(END);
    out
}

fn class(out: &mut Vec<u8>, name: &str, id: [u8; 8], flags: u8, fields: &[(u8, &str)]) {
    out.push(CLASS);
    text(out, name);
    out.extend(id);
    out.push(flags);
    out.extend(u16::try_from(fields.len()).unwrap_or(0).to_be_bytes());
    for (kind, field) in fields {
        out.push(*kind);
        text(out, field);
    }
    out.extend([END, NULL]);
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend(u16::try_from(text.len()).unwrap_or(0).to_be_bytes());
    out.extend(text.as_bytes());
}

/// What a handle stands for.
enum Held {
    Class(String),
    Array(Vec<u8>),
    Other,
}

struct Reader<'a> {
    rest: &'a [u8],
    handles: Vec<Held>,
}

const SHORT: &str = "it ends too early";

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], &'static str> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(SHORT)?;
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, &'static str> {
        self.take(1)?.first().copied().ok_or(SHORT)
    }

    fn short(&mut self) -> Result<usize, &'static str> {
        let bytes = self.take(2)?.first_chunk().ok_or(SHORT)?;
        Ok(u16::from_be_bytes(*bytes).into())
    }

    fn int(&mut self) -> Result<i32, &'static str> {
        Ok(i32::from_be_bytes(*self.take(4)?.first_chunk().ok_or(SHORT)?))
    }

    fn text(&mut self) -> Result<String, &'static str> {
        let len = self.short()?;
        String::from_utf8(self.take(len)?.to_vec()).map_err(|_| "a name is not text")
    }

    fn handle(&mut self) -> Result<&Held, &'static str> {
        let number = self.int()?.cast_unsigned().checked_sub(FIRST_HANDLE).ok_or("a reference is out of range")?;
        let at = usize::try_from(number).map_err(|_| "a reference is out of range")?;
        self.handles.get(at).ok_or("a reference is out of range")
    }

    /// A class description, written out or referred to, which must be of this name.
    fn class(&mut self, expected: &str) -> Result<(), &'static str> {
        let wrong = "it holds something else than a map of byte arrays";
        match self.byte()? {
            CLASS => {
                let name = self.text()?;
                if name != expected {
                    return Err(wrong);
                }
                self.take(9)?;
                for _ in 0..self.short()? {
                    let kind = self.byte()?;
                    self.text()?;
                    // Fields of objects would be followed by their type.
                    if !matches!(kind, b'F' | b'I') {
                        return Err(wrong);
                    }
                }
                if self.byte()? != END || self.byte()? != NULL {
                    return Err(wrong);
                }
                self.handles.push(Held::Class(name));
                Ok(())
            }
            REFERENCE => match self.handle()? {
                Held::Class(name) if name == expected => Ok(()),
                _ => Err(wrong),
            },
            _ => Err(wrong),
        }
    }

    /// A byte array, a reference to an earlier one, or null.
    fn array(&mut self) -> Result<Option<Vec<u8>>, &'static str> {
        match self.byte()? {
            NULL => Ok(None),
            REFERENCE => match self.handle()? {
                Held::Array(bytes) => Ok(Some(bytes.clone())),
                _ => Err("a reference is not to a byte array"),
            },
            ARRAY => {
                self.class(BYTES)?;
                let len = usize::try_from(self.int()?).map_err(|_| "an array has a negative length")?;
                let bytes = self.take(len)?.to_vec();
                self.handles.push(Held::Array(bytes.clone()));
                Ok(Some(bytes))
            }
            _ => Err("it holds something else than byte arrays"),
        }
    }
}

#[cfg(test)]
#[path = "java_map_tests.rs"]
mod tests;
