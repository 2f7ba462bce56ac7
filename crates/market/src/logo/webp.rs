//! WebP: the chunks that make up a still picture, and nothing behind them.

use super::parts::Parts;
use super::{check_size, refused};
use farebox_base::Result;
use image_webp::WebPDecoder;
use std::io::Cursor;

/// Says which other chunks there are; its first byte are flags.
const EXTENDED: &[u8] = b"VP8X";
/// Flags of a colour profile, of cameras' notes and of texts, all of which are left out.
const DROPPED_FLAGS: u8 = 0x20 | 0x08 | 0x04;
/// Four channels of a byte at the largest size, and room to work.
const MEMORY_BYTES: usize = 64 << 20;

/// The picture without what is no part of it.
pub(super) fn clean(bytes: &[u8]) -> Result<Vec<u8>> {
    let kept = chunks(bytes).ok_or_else(|| refused("must be a still WebP file that ends where its picture ends"))?;
    let size = u32::try_from(kept.len() + 4).map_err(|_| refused("must be a WebP file of a usual size"))?;
    let file = [b"RIFF".as_slice(), &size.to_le_bytes(), b"WEBP", &kept].concat();
    decode(&file)?;
    Ok(file)
}

/// The chunks of the picture; `None` for animations and broken files.
fn chunks(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut file = Parts::new(bytes);
    file.take(4).filter(|name| *name == b"RIFF")?;
    let length = usize::try_from(file.u32_le()?).ok()?;
    if file.rest().len() != length || file.take(4)? != b"WEBP" {
        return None;
    }
    let mut kept = Vec::with_capacity(bytes.len());
    let mut pictures = 0;
    while !file.is_empty() {
        let name = file.take(4)?;
        let length = file.u32_le()?;
        let content = file.take(usize::try_from(length).ok()?)?;
        let padding = file.take(usize::from(length % 2 == 1))?;
        match name {
            b"VP8 " | b"VP8L" => pictures += 1,
            b"VP8X" | b"ALPH" => {}
            b"ANIM" | b"ANMF" => return None,
            _ => continue,
        }
        kept.extend_from_slice(name);
        kept.extend_from_slice(&length.to_le_bytes());
        if name == EXTENDED {
            let (flags, rest) = content.split_first()?;
            kept.push(flags & !DROPPED_FLAGS);
            kept.extend_from_slice(rest);
        } else {
            kept.extend_from_slice(content);
        }
        kept.extend(padding.iter().map(|_| 0));
    }
    (pictures == 1).then_some(kept)
}

/// Makes the pixels and throws them away.
fn decode(bytes: &[u8]) -> Result<()> {
    let broken = |error| {
        refused("must be a WebP file that is whole and can be decoded").with_internal(format!("a logo: {error}"))
    };
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(broken)?;
    let (width, height) = decoder.dimensions();
    check_size(width, height)?;
    decoder.set_memory_limit(MEMORY_BYTES);
    let size = decoder.output_buffer_size().ok_or_else(|| refused("must be a WebP file of a usual size"))?;
    decoder.read_image(&mut vec![0; size]).map_err(broken)
}
