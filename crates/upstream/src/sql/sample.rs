//! A small database to try things out with: cities of the north, in an SQLite file.

use std::path::Path;

use rusqlite::{Connection, params};

use super::error::SqlError;

/// Name, country, inhabitants of the municipality in round thousands, latitude and longitude in degrees.
type City = (&'static str, &'static str, i64, f64, f64);

const CITIES: &[City] = &[
    ("Aarhus", "Denmark", 361_000, 56.16, 10.2),
    ("Bergen", "Norway", 291_000, 60.39, 5.32),
    ("Bodø", "Norway", 53_000, 67.28, 14.4),
    ("Copenhagen", "Denmark", 660_000, 55.68, 12.57),
    ("Espoo", "Finland", 314_000, 60.21, 24.66),
    ("Gothenburg", "Sweden", 604_000, 57.71, 11.97),
    ("Helsinki", "Finland", 674_000, 60.17, 24.94),
    ("Kiruna", "Sweden", 22_000, 67.86, 20.23),
    ("Luleå", "Sweden", 79_000, 65.58, 22.15),
    ("Malmö", "Sweden", 362_000, 55.6, 13.0),
    ("Nuuk", "Greenland", 19_000, 64.18, -51.74),
    ("Odense", "Denmark", 207_000, 55.4, 10.39),
    ("Oslo", "Norway", 717_000, 59.91, 10.75),
    ("Oulu", "Finland", 215_000, 65.01, 25.47),
    ("Reykjavík", "Iceland", 139_000, 64.15, -21.94),
    ("Riga", "Latvia", 605_000, 56.95, 24.11),
    ("Rovaniemi", "Finland", 65_000, 66.5, 25.73),
    ("Stavanger", "Norway", 148_000, 58.97, 5.73),
    ("Stockholm", "Sweden", 988_000, 59.33, 18.07),
    ("Tallinn", "Estonia", 457_000, 59.44, 24.75),
    ("Tampere", "Finland", 255_000, 61.5, 23.76),
    ("Tórshavn", "Faroe Islands", 22_000, 62.01, -6.77),
    ("Tromsø", "Norway", 78_000, 69.65, 18.96),
    ("Trondheim", "Norway", 214_000, 63.43, 10.4),
    ("Turku", "Finland", 202_000, 60.45, 22.27),
    ("Uppsala", "Sweden", 245_000, 59.86, 17.64),
    ("Vilnius", "Lithuania", 602_000, 54.69, 25.28),
];

/// Makes the file with its one table, `city`; one that is there already is brought to the same content.
pub fn make_sample(path: &Path) -> Result<(), SqlError> {
    fill(path).map_err(|error| SqlError::Failed(error.to_string()))
}

fn fill(path: &Path) -> rusqlite::Result<()> {
    let mut connection = Connection::open(path)?;
    let change = connection.transaction()?;
    change.execute_batch(
        "CREATE TABLE IF NOT EXISTS city (
           name TEXT PRIMARY KEY, country TEXT NOT NULL, inhabitants INTEGER NOT NULL, latitude REAL NOT NULL, longitude REAL NOT NULL
         );
         DELETE FROM city;",
    )?;
    let mut insert = change.prepare("INSERT INTO city VALUES ($1, $2, $3, $4, $5)")?;
    for (name, country, inhabitants, latitude, longitude) in CITIES {
        insert.execute(params![name, country, inhabitants, latitude, longitude])?;
    }
    drop(insert);
    change.commit()
}
