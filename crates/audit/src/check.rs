//! The check of the log: computes every hash again from what is stored, and looks up every line in its lists. A line that
//! cannot be read is named, and the ones behind it are checked.
//!
//! What it cannot see: newest lines that were cut off together with the head. Who keeps what a check prints can compare.

use crate::line::Line;
use crate::{marks, rows, seal};
use farebox_base::{Error, Kind, Result};
use farebox_db::{Db, Row, Where, sql};

/// Lines that are read at a time.
const PAGE: i64 = 1_000;
/// Breaches that are named.
const EXAMPLES_MAX: usize = 10;
/// Lines that cannot be read, behind which no more are tried.
const UNREADABLE_MAX: u32 = 100;

/// One invariant, on how many lines it was checked, and those that break it.
#[derive(Clone, Debug)]
pub struct AuditFinding {
    pub invariant: &'static str,
    pub checked: i64,
    pub broken: i64,
    /// Up to ten breaches, the first line that breaks it in front.
    pub examples: Vec<String>,
}

/// What the check found, and where the chain ends.
#[derive(Clone, Debug)]
pub struct Checked {
    pub findings: Vec<AuditFinding>,
    /// Number of the newest line, as the head has it.
    pub lines: i64,
    /// Hexadecimal; empty where there is no line.
    pub hash: String,
}

/// Checks the whole log. `progress` is told how many lines are done.
///
/// # Errors
/// Those of the database.
pub async fn check_deep(db: &Db, mut progress: impl FnMut(i64)) -> Result<Checked> {
    let mut check = Check {
        hashes: finding("the hash of each audit line is that of its fields and of the line before"),
        numbers: finding("audit lines are numbered without a gap up to the head"),
        lists: finding("each audit line stands in the lists of its organisation and in no other"),
        done: 0,
        before: Vec::new(),
        marks: 0,
        unreadable: 0,
    };
    // The newest line before the head, so that no line which is appended meanwhile is taken for a stray one.
    let newest = check.numbers.kept("the newest line", newest(db).await)?.flatten();
    let (lines, hash) = check.numbers.kept("the head", head(db).await)?.unwrap_or((newest.unwrap_or(0), Vec::new()));
    if newest.is_some_and(|newest| newest > lines) {
        check.numbers.breach(format!("there are lines behind line {lines}, where the log ends"));
    }
    while check.done < lines && check.unreadable < UNREADABLE_MAX {
        match page(db, check.done, lines).await {
            Ok(page) if page.is_empty() => break,
            Ok(page) => check.page(db, &page).await?,
            Err(error) if error.kind == Kind::Unavailable => return Err(error),
            Err(_) => check.one_by_one(db, lines).await?,
        }
        progress(check.done);
    }
    check.end(db, lines, &hash).await?;
    let hash = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Checked { findings: vec![check.hashes, check.numbers, check.lists], lines, hash })
}

fn finding(invariant: &'static str) -> AuditFinding {
    AuditFinding { invariant, checked: 0, broken: 0, examples: Vec::new() }
}

impl AuditFinding {
    fn breach(&mut self, example: String) {
        self.broken += 1;
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push(example);
        }
    }

    /// What was read; `None`, and a breach, where it cannot be read.
    fn kept<T>(&mut self, what: &str, read: Result<T>) -> Result<Option<T>> {
        match read {
            Err(error) if error.kind != Kind::Unavailable => {
                let why = error.internal.unwrap_or(error.message);
                self.breach(format!("{what} cannot be read: {why}"));
                Ok(None)
            }
            read => read.map(Some),
        }
    }
}

async fn newest(db: &Db) -> Result<Option<i64>> {
    let newest = db.one(sql!("SELECT MAX(seq) FROM audit_line"), &[]).await?;
    newest.map_or(Ok(None), |row| Ok(row.get(0)?))
}

/// How many lines there are, and the hash of the newest.
async fn head(db: &Db) -> Result<(i64, Vec<u8>)> {
    let row = db.one(sql!("SELECT lines, hash FROM audit_head WHERE id = 0"), &[]).await?;
    row.map_or(Ok((0, Vec::new())), |row| Ok((row.get(0)?, row.get(1)?)))
}

async fn page(db: &Db, after: i64, until: i64) -> Result<Vec<Row>> {
    let statement = sql!(
        "SELECT seq, id, at, party_id, actor_type, actor_id, action, category, resource_type, resource_id, status, error,
           address, user_agent, request_id, metadata, hash
         FROM audit_line WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3"
    );
    Ok(db.query(statement, &[after.into(), until.into(), PAGE.into()]).await?)
}

struct Check {
    hashes: AuditFinding,
    numbers: AuditFinding,
    lists: AuditFinding,
    /// The newest number that was read.
    done: i64,
    before: Vec<u8>,
    /// Entries in lists that the lines read so far call for.
    marks: i64,
    /// Lines that cannot be read.
    unreadable: u32,
}

impl Check {
    async fn page(&mut self, db: &Db, page: &[Row]) -> Result<()> {
        for row in page {
            let seq: i64 = row.get(0)?;
            self.numbers.checked += 1;
            self.hashes.checked += 1;
            if seq != self.done + 1 {
                self.numbers.breach(format!("line {} is missing", self.done + 1));
            }
            match stored(row) {
                Ok((line, hash)) => self.line(db, seq, &line, hash).await?,
                Err(error) => self.unreadable(db, seq, error).await?,
            }
        }
        Ok(())
    }

    async fn line(&mut self, db: &Db, seq: i64, line: &Line, hash: Vec<u8>) -> Result<()> {
        if seal::hash(seq, &self.before, line)[..] != hash[..] {
            self.hashes.breach(format!("line {seq} ({})", line.id));
        }
        let listed = self.listed(db, seq, line).await;
        self.lists.kept(&format!("line {seq} in its lists"), listed)?;
        (self.done, self.before) = (seq, hash);
        Ok(())
    }

    /// A page's lines, each by itself, where the page cannot be read.
    async fn one_by_one(&mut self, db: &Db, lines: i64) -> Result<()> {
        for seq in self.done + 1..=lines.min(self.done.saturating_add(PAGE)) {
            match page(db, seq - 1, seq).await {
                Ok(found) if found.is_empty() => {
                    self.numbers.breach(format!("line {seq} is missing"));
                    (self.done, self.before) = (seq, Vec::new());
                }
                Ok(found) => self.page(db, &found).await?,
                Err(error) => self.unreadable(db, seq, error).await?,
            }
            if self.unreadable == UNREADABLE_MAX {
                break;
            }
        }
        Ok(())
    }

    /// Names a line that cannot be read. Its hash may be whole, and says whether the next line fits.
    async fn unreadable(&mut self, db: &Db, seq: i64, error: Error) -> Result<()> {
        self.unreadable += 1;
        self.hashes.kept::<()>(&format!("line {seq}"), Err(error))?;
        let hash = db.one(sql!("SELECT hash FROM audit_line WHERE seq = $1"), &[seq.into()]).await;
        let hash = hash.ok().flatten().and_then(|row| row.get(0).ok());
        (self.done, self.before) = (seq, hash.unwrap_or_default());
        Ok(())
    }

    /// Whether the line stands in each of its lists.
    async fn listed(&mut self, db: &Db, seq: i64, line: &Line) -> Result<()> {
        let lists = marks::of_line(line);
        if lists.is_empty() {
            return Ok(());
        }
        self.lists.checked += 1;
        self.marks += i64::try_from(lists.len()).unwrap_or(i64::MAX);
        let mut wanted = Where::continuing(sql!("SELECT COUNT(*) FROM audit_mark WHERE seq = $1"), &[seq.into()]);
        wanted.and_in("list", &lists.iter().map(|list| (*list).into()).collect::<Vec<_>>());
        let (statement, params) = wanted.finish("", &[]);
        let found: i64 = match db.query_built(&statement, &params).await?.first() {
            Some(row) => row.get(0)?,
            None => 0,
        };
        if found != lists.len() as i64 {
            self.lists.breach(format!("line {seq} ({}) is missing from a list", line.id));
        }
        Ok(())
    }

    async fn end(&mut self, db: &Db, lines: i64, hash: &[u8]) -> Result<()> {
        if self.done != lines {
            self.numbers.breach(format!("the log ends at line {}, not {lines}", self.done));
        } else if self.before != hash {
            self.hashes.breach(format!("the head, which is not the hash of line {lines}"));
        }
        let entered = entered(db, lines).await;
        if let Some(entered) = self.lists.kept("how many entries the lists have", entered)?
            && entered != self.marks
            && self.unreadable == 0
        {
            self.lists.breach(format!("the lists have {entered} entries, not {}", self.marks));
        }
        let misnumbered = misnumbered(db).await;
        for seq in self.lists.kept("the numbers in the lists", misnumbered)?.unwrap_or_default() {
            self.lists.breach(format!("line {seq} is misnumbered in a list"));
        }
        Ok(())
    }
}

/// The fields of a line, and its hash.
fn stored(row: &Row) -> Result<(Line, Vec<u8>)> {
    Ok((rows::read(row)?, row.get(16)?))
}

/// How many entries the lists have for the lines up to a number.
async fn entered(db: &Db, lines: i64) -> Result<i64> {
    let entered = sql!("SELECT COUNT(*) FROM audit_mark WHERE seq <= $1");
    db.one(entered, &[lines.into()]).await?.map_or(Ok(0), |row| Ok(row.get(0)?))
}

/// The first lines whose place in a list is not their number there.
async fn misnumbered(db: &Db) -> Result<Vec<i64>> {
    let misnumbered = sql!(
        "SELECT seq FROM (SELECT seq, no, ROW_NUMBER() OVER (PARTITION BY list ORDER BY seq) AS place FROM audit_mark) counted
         WHERE no <> place ORDER BY seq LIMIT 10"
    );
    db.query(misnumbered, &[]).await?.iter().map(|row| Ok(row.get(0)?)).collect()
}
