//! JPEG: the segments that make up the picture, and nothing behind them.

use super::parts::Parts;
use super::{LOGO_PIXELS_MAX, check_size, refused};
use farebox_base::Result;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::options::DecoderOptions;

const START: &[u8] = &[0xff, 0xd8];
const END: u8 = 0xd9;
const SCAN: u8 = 0xda;
/// More scans than any program writes; each costs as much as the whole picture.
const SCANS_MOST: usize = 64;

/// The picture without what is no part of it: comments, cameras' notes, colour profiles, thumbnails.
pub(super) fn clean(bytes: &[u8]) -> Result<Vec<u8>> {
    let kept = segments(bytes).ok_or_else(|| refused("must be a JPEG file that ends where its picture ends"))?;
    decode(&kept)?;
    Ok(kept)
}

fn segments(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut file = Parts::new(bytes);
    let mut kept = Vec::with_capacity(bytes.len());
    kept.extend_from_slice(file.take(START.len()).filter(|start| *start == START)?);
    let mut has_scan = false;
    loop {
        let marker = marker(&mut file)?;
        if marker == END {
            kept.extend_from_slice(&[0xff, END]);
            return (has_scan && file.is_empty()).then_some(kept);
        }
        let whole = file.rest();
        let length = usize::from(file.u16_be()?);
        let content = file.take(length.checked_sub(2)?)?;
        if is_kept(marker, content) {
            kept.extend_from_slice(&[0xff, marker]);
            kept.extend_from_slice(whole.get(..length)?);
        }
        if marker == SCAN {
            has_scan = true;
            let data = file.rest();
            kept.extend_from_slice(file.take(entropy_coded(data)?)?);
        }
    }
}

/// The next marker; fill bytes may stand before it.
fn marker(file: &mut Parts<'_>) -> Option<u8> {
    if file.take(1)? != [0xff] {
        return None;
    }
    loop {
        match *file.take(1)?.first()? {
            0xff => {}
            marker => return Some(marker),
        }
    }
}

/// Frames, tables, restarts, scans, and the two notes that say how colours are meant.
fn is_kept(marker: u8, content: &[u8]) -> bool {
    match marker {
        0xc0..=0xcf | 0xdb | 0xdd | SCAN => true,
        0xe0 => content.starts_with(b"JFIF\0") && content.len() == 14,
        0xee => content.starts_with(b"Adobe"),
        _ => false,
    }
}

/// How long the data of a scan is: up to the next marker that is no part of it.
fn entropy_coded(data: &[u8]) -> Option<usize> {
    let is_part = |next: u8| next == 0 || (0xd0..=0xd7).contains(&next);
    data.windows(2).position(|pair| matches!(pair, [0xff, next] if !is_part(*next)))
}

/// Makes the pixels and throws them away.
fn decode(bytes: &[u8]) -> Result<()> {
    let most = usize::try_from(LOGO_PIXELS_MAX).unwrap_or(usize::MAX);
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(most)
        .set_max_height(most)
        .jpeg_set_max_scans(SCANS_MOST);
    let broken = |error| {
        let rule = format!("must be a JPEG file that is whole and can be decoded, at most {most} pixels wide and high");
        refused(rule).with_internal(format!("a logo: {error}"))
    };
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(broken)?;
    let about = decoder.info().ok_or_else(|| refused("must be a JPEG file with a header"))?;
    check_size(about.width.into(), about.height.into())?;
    decoder.decode().map(|_| ()).map_err(broken)
}
