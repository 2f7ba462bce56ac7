//! Names that people would take for those of built-in roles: letters of other scripts, digits, accents and marks in the
//! place of the letters that they resemble.
//!
//! Pure. What resembles what is Unicode's table (Technical Standard 39); the few pairs that it lacks stand here.

use crate::roles::DEFAULT_ROLE;
use farebox_base::MemberRole;
use unicode_normalization::UnicodeNormalization as _;
use unicode_security::confusable_detection::skeleton;

/// Whether a name looks like a built-in role's, or like the word for the role of whoever is invited without one.
pub(crate) fn looks_built_in(name: &str) -> bool {
    // A capital letter may resemble another one than its small form does.
    let shapes = [shape(name), shape(&name.to_lowercase())];
    let built_in = MemberRole::ALL.iter().map(|role| role.text()).chain([DEFAULT_ROLE]);
    built_in.map(shape).any(|built_in| shapes.contains(&built_in))
}

/// The same for all texts that look alike.
fn shape(text: &str) -> String {
    let plain: String = text.nfkd().collect();
    let small: String = skeleton(&plain).collect::<String>().to_lowercase();
    let letters: String = skeleton(&small).filter(|c| c.is_alphanumeric()).collect();
    letters.replace(['1', 'i'], "l").replace("vv", "w")
}

#[cfg(test)]
mod tests {
    use super::looks_built_in;

    #[test]
    fn names_in_look_alike_letters_are_known_and_others_are_free() {
        for alike in [
            "owner",
            "OWNER",
            "Admin",
            "member",
            "оwner",
            "ΟWΝΕR",
            "0wner",
            "Ówner",
            "ｏｗｎｅｒ",
            "ⓞⓦⓝⓔⓡ",
            "𝐨𝐰𝐧𝐞𝐫",
            "own er",
            "o.w.n.e.r",
            "«owner»",
            "owner.",
            "adm1n",
            "admln",
            "ADMlN",
            "AdmIn",
            "аdmin",
            "adrnin",
            "ovvner",
            "vıewer",
            "VIEWER",
            "ѵiewer",
            "еditor",
            "edit0r",
            "EDlTOR",
            "mеmber",
            "ADMІN",
            "o\u{335}wner",
        ] {
            assert!(looks_built_in(alike), "{alike}");
        }
        for free in [
            "Owners",
            "Administrator",
            "Редактор",
            "отдел",
            "админ",
            "会计",
            "co-owner",
            "auditor",
            "view",
            "Lab",
            "éditeur",
            "o",
        ] {
            assert!(!looks_built_in(free), "{free}");
        }
    }
}
