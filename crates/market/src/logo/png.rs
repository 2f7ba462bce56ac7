//! PNG: the chunks that make up a still picture, and nothing behind them.

use super::parts::Parts;
use super::{check_size, refused};
use ::png::{Decoder, Limits};
use farebox_base::Result;
use std::io::Cursor;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// The picture, its colours and its transparency. Texts, times, profiles and animations are left out.
const KEPT: [&[u8; 4]; 9] = [b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"IDAT", b"IEND"];
/// Four channels of 16 bits at the largest size, and room to work.
const MEMORY_BYTES: usize = 64 << 20;

/// The picture without what is no part of it.
pub(super) fn clean(bytes: &[u8]) -> Result<Vec<u8>> {
    let kept = chunks(bytes).ok_or_else(|| refused("must be a PNG file that ends where its picture ends"))?;
    decode(&kept)?;
    Ok(kept)
}

fn chunks(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut file = Parts::new(bytes);
    let mut kept = Vec::with_capacity(bytes.len());
    kept.extend_from_slice(file.take(SIGNATURE.len()).filter(|start| *start == SIGNATURE)?);
    loop {
        let whole = file.rest();
        let length = usize::try_from(file.u32_be()?).ok()?;
        let name = file.take(4)?;
        file.take(length)?;
        file.take(4)?;
        if KEPT.iter().any(|kept| kept.as_slice() == name) {
            kept.extend_from_slice(whole.get(..length.checked_add(12)?)?);
        } else if name.first().is_none_or(u8::is_ascii_uppercase) {
            // A chunk that a viewer must understand, and that this program does not know.
            return None;
        }
        if name == b"IEND" {
            return (length == 0 && file.is_empty()).then_some(kept);
        }
    }
}

/// Makes the pixels and throws them away: sums and compressed data are whole where this succeeds.
fn decode(bytes: &[u8]) -> Result<()> {
    let broken = |error| {
        refused("must be a PNG file that is whole and can be decoded").with_internal(format!("a logo: {error}"))
    };
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: MEMORY_BYTES });
    let header = decoder.read_header_info().map_err(broken)?;
    check_size(header.width, header.height)?;
    let mut reader = decoder.read_info().map_err(broken)?;
    let size = reader.output_buffer_size().ok_or_else(|| refused("must be a PNG file of a usual size"))?;
    reader.next_frame(&mut vec![0; size]).map_err(broken)?;
    reader.finish().map_err(broken)
}
