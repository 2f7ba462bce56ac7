//! The rules for text that comes from outside: names, email addresses, owner ids, wallet addresses, key names.
//!
//! Pure functions; each answers the value in the form in which it is stored, or names the field and the broken rule.

use farebox_base::{Error, Result};

const NAME_CHARS: usize = 100;
const OWNER_ID_CHARS: usize = 200;
const EMAIL_BYTES: usize = 254;

/// A display name: trimmed, 1 to 100 characters, nothing invisible.
pub(crate) fn name(field: &str, text: &str) -> Result<String> {
    visible_text(field, text, NAME_CHARS)
}

/// An owner id of the marketplace: trimmed, 1 to 200 characters, nothing invisible. Case matters.
pub(crate) fn owner_id(field: &str, text: &str) -> Result<String> {
    visible_text(field, text, OWNER_ID_CHARS)
}

/// An email address in the plain form `local@domain.tld`, in lower case so that one mailbox is one account.
pub(crate) fn email(field: &str, text: &str) -> Result<String> {
    let text = text.trim().to_lowercase();
    let valid = text.len() <= EMAIL_BYTES
        && text.split_once('@').is_some_and(|(local, domain)| {
            (1..=64).contains(&local.len())
                && local.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b))
                && is_domain(domain)
        });
    if valid { Ok(text) } else { Err(Error::invalid(field, "must be an email address such as agent@example.com")) }
}

/// An EVM address as it was sent; compare it by `wallet_key`.
pub(crate) fn wallet_address<'a>(field: &str, text: &'a str) -> Result<&'a str> {
    if is_wallet_address(text) { Ok(text) } else { Err(Error::invalid(field, "must be 0x followed by 40 hex digits")) }
}

/// The form of an address under which it is stored and compared.
pub(crate) fn wallet_key(address: &str) -> String {
    address.to_ascii_lowercase()
}

pub(crate) fn is_wallet_address(text: &str) -> bool {
    text.strip_prefix("0x").is_some_and(|hex| hex.len() == 40 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// A line of text: trimmed, 1 to `most` characters, nothing invisible.
///
/// # Errors
/// `Invalid` for `field`.
pub fn visible_text(field: &str, text: &str, most: usize) -> Result<String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::invalid(field, "must not be empty"));
    }
    if text.chars().count() > most {
        return Err(Error::invalid(field, format!("must not be longer than {most} characters")));
    }
    if text.chars().any(is_invisible) {
        return Err(Error::invalid(field, "must not contain control or invisible characters"));
    }
    Ok(text.to_owned())
}

/// Control characters, and those that change how others are shown without showing themselves.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    domain.contains('.') && domain.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn email_addresses_are_read_plainly_and_in_lower_case() {
        assert_eq!(email("email", " Ada.L+x@Example.COM ").unwrap(), "ada.l+x@example.com");
        for bad in ["", "a", "@b.c", "a@", "a@b", "a b@c.d", "a@b..c", "a@-b.c", "a@b.c\n@d.e", "a@b@c.d", "a@b_.c"] {
            assert!(email("email", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_and_owner_ids_are_trimmed_bounded_and_visible() {
        assert_eq!(name("name", "  Ada  L ").unwrap(), "Ada  L");
        assert_eq!(owner_id("owner_id", "агент-7").unwrap(), "агент-7");
        assert!(name("name", &"x".repeat(100)).is_ok() && name("name", &"x".repeat(101)).is_err());
        assert!(owner_id("owner_id", &"é".repeat(200)).is_ok() && owner_id("owner_id", &"é".repeat(201)).is_err());
        for bad in ["", "   ", "a\nb", "a\0b", "a\u{202e}b", "a\u{200b}b", "a\tb"] {
            assert_eq!(owner_id("owner_id", bad).unwrap_err().field.as_deref(), Some("owner_id"), "{bad:?}");
        }
    }

    #[test]
    fn wallet_addresses_are_40_hex_digits_in_any_case() {
        let address = "0x742d35cC6634c0532925A3b844bc9E7595F0beB1";
        assert_eq!(wallet_address("wallet_address", address).unwrap(), address);
        assert_eq!(wallet_key(address), "0x742d35cc6634c0532925a3b844bc9e7595f0beb1");
        for bad in ["", "0x", "742d35cC6634c0532925A3b844bc9E7595F0beB1", "0X742d35cC6634c0532925A3b844bc9E7595F0beB1"]
        {
            assert!(wallet_address("wallet_address", bad).is_err(), "{bad:?}");
        }
        assert!(wallet_address("wallet_address", "0x742d35cC6634c0532925A3b844bc9E7595F0beg1").is_err());
    }
}
