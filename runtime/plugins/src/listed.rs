//! Lists as text: brackets around items, a separator between them.

use millstream_api::Result;

/// Writes `len` items, each by `item`.
pub(crate) fn listed(
    out: &mut Vec<u8>,
    [open, close]: [u8; 2],
    separator: &[u8],
    len: usize,
    mut item: impl FnMut(&mut Vec<u8>, usize) -> Result<()>,
) -> Result<()> {
    out.push(open);
    for index in 0..len {
        if index > 0 {
            out.extend_from_slice(separator);
        }
        item(out, index)?;
    }
    out.push(close);
    Ok(())
}
