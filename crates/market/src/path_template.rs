//! Templates of paths below a listing's base, such as `/users/{id}`.
//!
//! Their order is that of specificity: literal text before text around a placeholder, before a placeholder, before the
//! rest of the path. So that another spelling of a path is not another path, segments are compared after percent
//! decoding, and empty and `.` segments are skipped; a path with `..` matches nothing (the upstream refuses it).

const LONGEST_PATH_BYTES: usize = 512;

/// One template; a lookup compares in place and allocates nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PathTemplate(Vec<Segment>);

/// The order of the variants is that of specificity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(Vec<u8>),
    Around {
        /// The negated length of what is fixed, so that more of it sorts first.
        looseness: i64,
        prefix: Vec<u8>,
        suffix: Vec<u8>,
    },
    Any,
    /// Everything from here on, also nothing.
    Rest,
}

impl PathTemplate {
    /// Reads a path such as `/users/{id}`, `/files/{*rest}` or `/users/:id`; refuses it with the broken rule.
    pub(crate) fn parse(path: &str) -> Result<Self, &'static str> {
        if !path.starts_with('/') || path.len() > LONGEST_PATH_BYTES || path.contains(['?', '#']) {
            return Err("must begin with / and have at most 512 characters, none of them ? or #");
        }
        let mut template = Vec::new();
        for text in path.split('/').filter(|text| !text.is_empty()) {
            if template.last() == Some(&Segment::Rest) {
                return Err("must end after a placeholder for the rest of the path");
            }
            template.push(segment(text)?);
        }
        Ok(Self(template))
    }

    /// Whether a path is one of those meant, with or without a leading slash; what follows a `?` does not count.
    pub(crate) fn matches(&self, path: &str) -> bool {
        self.matches_by(path, |byte| byte)
    }

    /// As `matches`, whatever the case of letters.
    pub(crate) fn matches_in_any_case(&self, path: &str) -> bool {
        self.matches_by(path, |byte| byte.to_ascii_lowercase())
    }

    /// Whether the path matches once each byte on both sides was put into its form.
    fn matches_by(&self, path: &str, form: impl Fn(u8) -> u8 + Copy) -> bool {
        let mut segments = segments(path);
        for expected in &self.0 {
            match (expected, segments.next()) {
                (Segment::Rest, None) => return true,
                (Segment::Rest, Some(first)) => {
                    return std::iter::once(first).chain(segments).all(|text| !is_parent(text));
                }
                (_, None) => return false,
                (_, Some(text)) if is_parent(text) => return false,
                (Segment::Literal(literal), Some(text))
                    if decoded(text).map(form).eq(literal.iter().copied().map(form)) => {}
                (Segment::Around { prefix, suffix, .. }, Some(text)) if is_around(prefix, suffix, text, form) => {}
                (Segment::Any, Some(_)) => {}
                _ => return false,
            }
        }
        segments.next().is_none()
    }

    /// As `matches`, but no placeholder stands for an escaped slash, behind which a server may see a longer path.
    pub(crate) fn matches_strictly(&self, path: &str) -> bool {
        let is_plain = |text: &str| !decoded(text).any(|byte| matches!(byte, b'/' | b'\\'));
        self.matches(path)
            && segments(path).zip(&self.0).all(|(text, expected)| match expected {
                Segment::Literal(_) | Segment::Rest => true,
                Segment::Any | Segment::Around { .. } => is_plain(text),
            })
    }
}

/// The segments of a path that count.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    let path = path.split('?').next().unwrap_or_default();
    path.split('/').filter(|text| !text.is_empty() && !decoded(text).eq(*b"."))
}

fn segment(text: &str) -> Result<Segment, &'static str> {
    if text == "*" || text == "**" || (text.starts_with("{*") && text.ends_with('}')) {
        return Ok(Segment::Rest);
    }
    if text.len() > 1 && text.starts_with(':') {
        return Ok(Segment::Any);
    }
    let Some((prefix, after)) = text.split_once('{') else {
        return match text.contains('}') {
            true => Err("must open a brace before it closes one"),
            false => Ok(Segment::Literal(decoded(text).collect())),
        };
    };
    let Some((_, suffix)) = after.split_once('}') else { return Err("must close the brace that it opens") };
    if suffix.contains(['{', '}']) {
        return Err("must not have two placeholders between two slashes");
    }
    if prefix.is_empty() && suffix.is_empty() {
        return Ok(Segment::Any);
    }
    let (prefix, suffix): (Vec<u8>, Vec<u8>) = (decoded(prefix).collect(), decoded(suffix).collect());
    let looseness = -i64::try_from(prefix.len() + suffix.len()).unwrap_or(i64::MAX);
    Ok(Segment::Around { looseness, prefix, suffix })
}

fn is_parent(text: &str) -> bool {
    decoded(text).eq(*b"..")
}

fn is_around(prefix: &[u8], suffix: &[u8], text: &str, form: impl Fn(u8) -> u8 + Copy) -> bool {
    let length = decoded(text).count();
    let Some(between) = length.checked_sub(prefix.len() + suffix.len()) else { return false };
    between > 0
        && decoded(text).take(prefix.len()).map(form).eq(prefix.iter().copied().map(form))
        && decoded(text).skip(length - suffix.len()).map(form).eq(suffix.iter().copied().map(form))
}

/// The bytes of a segment after percent decoding; a `%` that begins no escape stands for itself.
fn decoded(text: &str) -> impl Iterator<Item = u8> + '_ {
    let digit = |byte: Option<&u8>| byte.and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let byte = *bytes.get(at)?;
        at += 1;
        if byte == b'%'
            && let (Some(high), Some(low)) = (digit(bytes.get(at)), digit(bytes.get(at + 1)))
        {
            at += 2;
            return Some(high * 16 + low);
        }
        Some(byte)
    })
}
