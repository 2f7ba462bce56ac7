//! Names for agents that bring none: "Quiet Vega 4821".

use farebox_base::Rng;

const ADJECTIVES: [&str; 40] = [
    "Amber",
    "Azure",
    "Blazing",
    "Bold",
    "Bright",
    "Calm",
    "Clever",
    "Coral",
    "Crimson",
    "Daring",
    "Distant",
    "Eager",
    "Early",
    "Faint",
    "Fleet",
    "Gentle",
    "Gilded",
    "Golden",
    "Hidden",
    "Humble",
    "Icy",
    "Indigo",
    "Ivory",
    "Keen",
    "Lucid",
    "Mellow",
    "Nimble",
    "Noble",
    "Patient",
    "Quiet",
    "Rapid",
    "Roving",
    "Silent",
    "Silver",
    "Steady",
    "Sunny",
    "Tidal",
    "Vivid",
    "Wandering",
    "Warm",
];

const STARS: [&str; 40] = [
    "Achernar",
    "Acrux",
    "Albireo",
    "Alcor",
    "Aldebaran",
    "Algol",
    "Alioth",
    "Alnair",
    "Alnitak",
    "Altair",
    "Antares",
    "Arcturus",
    "Bellatrix",
    "Betelgeuse",
    "Canopus",
    "Capella",
    "Castor",
    "Deneb",
    "Denebola",
    "Dubhe",
    "Electra",
    "Elnath",
    "Enif",
    "Fomalhaut",
    "Gacrux",
    "Hadar",
    "Izar",
    "Kochab",
    "Maia",
    "Markab",
    "Mimosa",
    "Mira",
    "Mizar",
    "Polaris",
    "Pollux",
    "Procyon",
    "Regulus",
    "Rigel",
    "Spica",
    "Vega",
];

/// An adjective, a star and four digits; 14 million of them, so two agents may share one.
pub(crate) fn star_name(rng: &dyn Rng) -> String {
    let pick = |words: &[&'static str; 40]| words[usize::try_from(rng.below(40)).unwrap_or(0)];
    let (adjective, star) = (pick(&ADJECTIVES), pick(&STARS));
    format!("{adjective} {star} {}", 1_000 + rng.below(9_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use farebox_base::SeededRng;

    #[test]
    fn names_are_an_adjective_a_star_and_four_digits() {
        let rng = SeededRng::new(3);
        for _ in 0..200 {
            let name = star_name(&rng);
            let words: Vec<&str> = name.split(' ').collect();
            assert!(ADJECTIVES.contains(&words[0]) && STARS.contains(&words[1]), "{name}");
            assert!(words[2].len() == 4 && words[2].parse::<u32>().is_ok(), "{name}");
        }
    }
}
