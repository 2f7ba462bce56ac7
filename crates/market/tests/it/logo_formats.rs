//! Pictures of pixels: what passes, what is left out of it, and what is refused.

use farebox_market::{LOGO_BYTES_MAX, Logo, LogoMedia};

macro_rules! picture {
    ($name:literal) => {
        include_bytes!(concat!("../data/", $name)).as_slice()
    };
}

const PNG: &[u8] = picture!("still.png");
const JPEG: &[u8] = picture!("baseline.jpg");
const WEBP: &[u8] = picture!("lossy.webp");

fn refused(content_type: &str, bytes: &[u8]) -> String {
    let error = Logo::read(content_type, bytes).unwrap_err();
    assert_eq!(error.field.as_deref(), Some("logo"));
    assert!(error.message.len() < 300, "{}", error.message);
    error.message
}

fn holds(bytes: &[u8], what: &str) -> bool {
    bytes.windows(what.len()).any(|window| window == what.as_bytes())
}

#[test]
fn each_format_passes_and_what_is_no_part_of_the_picture_is_left_out() {
    for (media, bytes) in [
        (LogoMedia::Png, PNG),
        (LogoMedia::Png, picture!("animated.png")),
        (LogoMedia::Jpeg, JPEG),
        (LogoMedia::Jpeg, picture!("progressive.jpg")),
        (LogoMedia::Webp, WEBP),
        (LogoMedia::Webp, picture!("lossless.webp")),
    ] {
        let logo = Logo::read(media.text(), bytes).unwrap();
        assert_eq!(logo.media(), media);
        assert!(logo.bytes().len() <= bytes.len());
        for hidden in ["script", "<?php", "Exif", "fcTL", "acTL"] {
            assert!(!holds(logo.bytes(), hidden), "{media:?} keeps {hidden}");
        }
        assert_eq!(Logo::read(media.text(), logo.bytes()).unwrap(), logo, "clean stays clean");
    }
    assert!(holds(PNG, "script") && holds(JPEG, "<?php") && holds(WEBP, "script"), "there was something to leave out");
}

#[test]
fn bytes_of_another_type_than_they_say_are_refused() {
    let all = [("image/png", PNG), ("image/jpeg", JPEG), ("image/webp", WEBP), ("image/svg+xml", b"<svg/>".as_slice())];
    for (content_type, own) in all {
        for (other, bytes) in all.iter().filter(|(other, _)| *other != content_type) {
            assert_ne!(*bytes, own);
            refused(content_type, bytes);
            let _ = other;
        }
    }
    for content_type in ["", "image/gif", "text/html", "image/png; charset=x", "IMAGE/PNG"] {
        let error = Logo::read(content_type, PNG).unwrap_err();
        assert_eq!(error.field.as_deref(), Some("content_type"), "{content_type}");
    }
}

#[test]
fn a_picture_with_something_behind_it_is_refused() {
    for (content_type, bytes) in [("image/png", PNG), ("image/jpeg", JPEG), ("image/webp", WEBP)] {
        for behind in [b"<script>alert(1)</script>".as_slice(), b"PK\x03\x04", b"\0"] {
            refused(content_type, &[bytes, behind].concat());
        }
    }
}

#[test]
fn a_picture_that_is_cut_off_or_damaged_anywhere_never_passes_as_it_is() {
    for (content_type, bytes) in [("image/png", PNG), ("image/jpeg", JPEG), ("image/webp", WEBP)] {
        for end in 0..bytes.len() {
            assert!(Logo::read(content_type, &bytes[..end]).is_err(), "{content_type} cut at {end}");
        }
    }
    // Sums of PNG cover every byte that is kept.
    let clean = Logo::read("image/png", PNG).unwrap();
    for at in 0..clean.bytes().len() {
        let mut damaged = clean.bytes().to_vec();
        damaged[at] ^= 0x10;
        assert!(Logo::read("image/png", &damaged).is_err(), "damaged at {at}");
    }
}

#[test]
fn damage_never_panics() {
    for (content_type, bytes) in [("image/jpeg", JPEG), ("image/webp", WEBP), ("image/webp", picture!("lossless.webp"))]
    {
        for at in 0..bytes.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut damaged = bytes.to_vec();
                damaged[at] ^= flip;
                let _ = Logo::read(content_type, &damaged);
            }
        }
    }
}

#[test]
fn huge_pictures_are_refused_however_few_bytes_they_are() {
    assert!(refused("image/png", picture!("bomb.png")).contains("30000 x 30000"));
    assert!(refused("image/png", picture!("wide.png")).contains("2049 x 1"));
    assert!(refused("image/png", &vec![0; LOGO_BYTES_MAX + 1]).contains("524288"));
    refused("image/png", &[]);
}

#[test]
fn animations_of_webp_are_refused() {
    assert!(refused("image/webp", picture!("animated.webp")).contains("still"));
}
