//! PostgreSQL's binary dates and times as RFC 3339 text. Years may have more than four digits, or a sign.

const MICROS_PER_DAY: i64 = 86_400_000_000;
/// From 0000-03-01, where the years of the computation below begin, to PostgreSQL's zero, 2000-01-01.
const EPOCH_DAYS: i64 = 730_425;
const DAYS_PER_400_YEARS: i64 = 146_097;

/// A point in time given as microseconds since 2000-01-01; `offset` is written behind it.
pub(super) fn timestamp(micros: i64, offset: &str) -> String {
    match micros {
        i64::MAX => "infinity".to_owned(),
        i64::MIN => "-infinity".to_owned(),
        _ => {
            let of_day = micros.rem_euclid(MICROS_PER_DAY);
            let (seconds, fraction) = (of_day / 1_000_000, of_day % 1_000_000);
            let clock = format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
            let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:06}") };
            format!("{}T{clock}{fraction}{offset}", day(micros.div_euclid(MICROS_PER_DAY)))
        }
    }
}

/// A day given as days since 2000-01-01.
pub(super) fn date(days: i32) -> String {
    match days {
        i32::MAX => "infinity".to_owned(),
        i32::MIN => "-infinity".to_owned(),
        _ => day(i64::from(days)),
    }
}

/// The Gregorian date. Years begin in March, so that the leap day is the last of its year.
fn day(since_2000: i64) -> String {
    let days = since_2000 + EPOCH_DAYS;
    let (era, day_of_era) = (days.div_euclid(DAYS_PER_400_YEARS), days.rem_euclid(DAYS_PER_400_YEARS));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    let sign = if year < 0 { "-" } else { "" };
    format!("{sign}{:04}-{month:02}-{day:02}", year.abs())
}

#[cfg(test)]
mod tests {
    use super::{date, timestamp};

    #[test]
    fn days_and_times_are_written_as_rfc_3339() {
        let days = [
            (0, "2000-01-01"),
            (59, "2000-02-29"),
            (60, "2000-03-01"),
            (-1, "1999-12-31"),
            (-10_957, "1970-01-01"),
            (8_826, "2024-03-01"),
            (8_825, "2024-02-29"),
            (-36_524, "1900-01-01"),
            (2_921_939, "9999-12-31"),
            (2_921_940, "10000-01-01"),
            (-730_485, "0000-01-01"),
            (-730_486, "-0001-12-31"),
            (i32::MAX, "infinity"),
            (i32::MIN, "-infinity"),
        ];
        for (since_2000, text) in days {
            assert_eq!(date(since_2000), text);
        }
        assert_eq!(timestamp(0, ""), "2000-01-01T00:00:00");
        assert_eq!(timestamp(-1, "+00:00"), "1999-12-31T23:59:59.999999+00:00");
        assert_eq!(timestamp(827_236_800_000_000 + 3_723_000_001, "+00:00"), "2026-03-19T13:02:03.000001+00:00");
        assert_eq!(timestamp(i64::MAX, "+00:00"), "infinity");
    }
}
