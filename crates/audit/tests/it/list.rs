//! Reading: every combination of filters answers what a plain look at all lines answers.

use super::{breaches, clock, line, log, party};
use farebox_audit::{Actor, AuditLog, Filter, Line, NewLine, Page, Status};
use farebox_base::{ApiKeyId, PartyId, Rng, SeededRng, Timestamp, UserId};
use farebox_testkit::engines;
use std::time::Duration;
use uuid::Uuid;

const LINES: usize = 240;
const CASES: usize = 250;
/// Action, type and category: an action has one type, a type one category.
const ACTIONS: [(&str, &str, &str); 5] = [
    ("create_publisher", "publisher", "listing"),
    ("delete_publisher", "publisher", "listing"),
    ("create_service", "service", "listing"),
    ("create_key", "api_key", "access"),
    ("revoke_key", "api_key", "access"),
];

struct Dice(SeededRng);

impl Dice {
    fn below(&self, n: usize) -> usize {
        usize::try_from(self.0.below(n as u64)).unwrap()
    }

    fn maybe<T>(&self, value: impl FnOnce() -> T) -> Option<T> {
        (self.below(3) == 0).then(value)
    }

    fn id(&self, kind: u128, of: usize) -> Uuid {
        Uuid::from_u128(kind * 100 + self.below(of) as u128)
    }

    fn line(&self, n: usize) -> NewLine {
        let (action, resource_type, category) = ACTIONS[self.below(ACTIONS.len())];
        let actor = match self.below(5) {
            0 => Actor::Anonymous,
            1 => Actor::Key(ApiKeyId::from_uuid(self.id(2, 2))),
            _ => Actor::User(UserId::from_uuid(self.id(3, 2))),
        };
        NewLine {
            party: (self.below(8) > 0).then(|| party(1 + self.below(2) as u128)),
            actor,
            action: action.to_owned(),
            category: category.to_owned(),
            resource_type: resource_type.to_owned(),
            resource_id: (self.below(3) > 0).then(|| self.id(4, 3)),
            status: Status::ALL[self.below(3)],
            ..line(&format!("r{n}"))
        }
    }

    fn filter(&self, start: Timestamp) -> Filter {
        let moment = || start.plus(Duration::from_millis(self.below(LINES + 20) as u64));
        let action = ACTIONS[self.below(ACTIONS.len())];
        let other = ACTIONS[self.below(ACTIONS.len())];
        Filter {
            actor: self.maybe(|| self.id(2 + self.below(2) as u128, 2)),
            action: self.maybe(|| action.0.to_owned()),
            resource_type: self.maybe(|| action.1.to_owned()),
            category: self.maybe(|| other.2.to_owned()),
            resource_id: self.maybe(|| self.id(4, 4)),
            status: self.maybe(|| Status::ALL[self.below(3)]),
            from: self.maybe(moment),
            until: self.maybe(moment),
        }
    }
}

/// What a filter means, said the plain way.
fn fits(line: &Line, party: PartyId, filter: &Filter) -> bool {
    let id = |wanted: Option<Uuid>, has: &Option<String>| {
        wanted.is_none_or(|wanted| has.as_deref() == Some(wanted.to_string().as_str()))
    };
    let word = |wanted: &Option<String>, has: &str| wanted.as_deref().is_none_or(|wanted| wanted == has);
    line.party_id.as_deref() == Some(party.to_string().as_str())
        && id(filter.actor, &line.actor_id)
        && id(filter.resource_id, &line.resource_id)
        && word(&filter.action, &line.action)
        && word(&filter.resource_type, &line.resource_type)
        && word(&filter.category, &line.category)
        && filter.status.is_none_or(|status| status.text() == line.status)
        && filter.from.is_none_or(|from| line.at >= from)
        && filter.until.is_none_or(|until| line.at < until)
}

async fn all_of(log: &AuditLog, party: PartyId) -> Vec<Line> {
    let mut lines = Vec::new();
    loop {
        let page = Page { limit: 100, offset: lines.len() as i64 };
        let listed = log.list(party, &Filter::default(), page).await.unwrap();
        if listed.lines.is_empty() {
            assert_eq!(listed.total, lines.len() as i64);
            return lines;
        }
        lines.extend(listed.lines);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_combination_of_filters_and_every_depth_answers_what_a_look_at_all_lines_does() {
    engines::each(async |db| {
        let (clock, dice) = (clock(), Dice(SeededRng::new(5)));
        let log = log(&db, &clock, 1);
        let start = farebox_base::Clock::now(&*clock);
        for n in 0..LINES {
            log.record(dice.line(n)).await;
            // Some lines share a moment.
            clock.advance(Duration::from_millis(2 * dice.below(2) as u64));
        }
        let all = [all_of(&log, party(1)).await, all_of(&log, party(2)).await];
        assert!(all.iter().all(|lines| lines.len() > 60), "{:?}", all.each_ref().map(Vec::len));
        assert!(all[0].is_sorted_by(|newer, older| newer.at >= older.at));
        let (mut found, mut deep) = (0, 0);
        for case in 0..CASES {
            let (whose, filter) = (dice.below(2), dice.filter(start));
            let who = party(1 + whose as u128);
            let expected: Vec<&Line> = all[whose].iter().filter(|line| fits(line, who, &filter)).collect();
            for offset in [0, expected.len() / 2, dice.below(expected.len() + 1), expected.len()] {
                let page = Page { limit: 1 + dice.below(20) as i64, offset: offset as i64 };
                let listed = log.list(who, &filter, page).await.unwrap();
                assert_eq!(listed.total, expected.len() as i64, "case {case}: {filter:?}");
                let shown = expected.iter().copied().skip(offset).take(page.limit as usize);
                assert!(listed.lines.iter().eq(shown), "case {case}, {page:?}: {filter:?}");
                found += listed.lines.len();
                deep += usize::from(offset > 0 && !listed.lines.is_empty());
            }
        }
        assert!(found > 1_000 && deep > 100, "the cases find little: {found} lines, {deep} deep pages");
        assert_eq!(breaches(&db).await, (0, String::new()));
    })
    .await;
}

#[tokio::test]
async fn a_line_is_shown_to_its_own_organisation_only() {
    engines::each(async |db| {
        let log = log(&db, &clock(), 1);
        log.record(line("mine")).await;
        let listed = log.list(party(1), &Filter::default(), Page { limit: 10, offset: 0 }).await.unwrap();
        let id = Uuid::try_parse(&listed.lines[0].id).unwrap();
        assert_eq!(log.line(party(1), id).await.unwrap().as_ref(), listed.lines.first());
        assert_eq!(log.line(party(2), id).await.unwrap(), None);
        assert_eq!(log.line(party(1), Uuid::from_u128(1)).await.unwrap(), None);
        let others = log.list(party(2), &Filter::default(), Page { limit: 10, offset: 0 }).await.unwrap();
        assert_eq!((others.total, others.lines.len()), (0, 0));
        // With lines of both, each has his own.
        log.record(NewLine { party: Some(party(2)), ..line("theirs") }).await;
        for (reader, name) in [(1, "mine"), (2, "theirs")] {
            let listed = log.list(party(reader), &Filter::default(), Page { limit: 10, offset: 0 }).await.unwrap();
            let shown: Vec<_> = listed.lines.iter().filter_map(|line| line.request_id.as_deref()).collect();
            assert_eq!((listed.total, shown.as_slice()), (1, [name].as_slice()));
        }
    })
    .await;
}

#[tokio::test]
async fn the_list_reads_by_the_keys_of_its_tables_and_sorts_or_scans_nothing() {
    let place = engines::TestDb::sqlite().await;
    let db = place.open(std::sync::Arc::new(farebox_db::NoFaults));
    log(&db, &clock(), 1).record(line("one")).await;
    for statement in [
        "EXPLAIN QUERY PLAN SELECT no, seq FROM audit_mark WHERE list = 1 AND seq <= 5 ORDER BY seq DESC LIMIT 1",
        "EXPLAIN QUERY PLAN SELECT seq FROM audit_line WHERE at < 5 ORDER BY at DESC, seq DESC LIMIT 1",
        "EXPLAIN QUERY PLAN SELECT no FROM audit_mark WHERE list = 1 ORDER BY seq DESC LIMIT 1",
    ] {
        let plan = db.query(statement, &[]).await.unwrap();
        let steps: Vec<String> = plan.iter().map(|row| row.get(3).unwrap()).collect();
        assert!(steps.iter().all(|step| step.starts_with("SEARCH")), "{statement}: {steps:?}");
    }
}
