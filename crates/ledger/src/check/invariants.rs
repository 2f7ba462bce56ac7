//! The invariants of the ledger's own tables.

use super::Invariant;
use farebox_db::sql;

/// Every invariant of the ledger's own tables.
pub const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "the entries of each transfer sum to zero",
        count: sql!("SELECT COUNT(*) FROM transfer"),
        breaches: sql!(
            "SELECT transfer_id FROM entry GROUP BY transfer_id HAVING SUM(amount) <> 0 ORDER BY transfer_id"
        ),
    },
    Invariant {
        name: "each transfer has at least two entries, numbered from its first",
        count: sql!("SELECT COUNT(*) FROM transfer"),
        breaches: sql!(
            "SELECT t.id FROM transfer t
             LEFT JOIN (SELECT transfer_id, COUNT(*) AS n, MIN(no) AS low, MAX(no) AS high FROM entry GROUP BY transfer_id) e
               ON e.transfer_id = t.id
             WHERE COALESCE(e.n, 0) < 2 OR e.low <> t.first_entry OR e.high - e.low <> e.n - 1 ORDER BY t.id"
        ),
    },
    Invariant {
        name: "each entry has its transfer and its account",
        count: sql!("SELECT COUNT(*) FROM entry"),
        breaches: sql!(
            "SELECT e.transfer_id FROM entry e
             WHERE NOT EXISTS (SELECT 1 FROM transfer t WHERE t.id = e.transfer_id)
               OR NOT EXISTS (SELECT 1 FROM account a WHERE a.id = e.account_id) ORDER BY e.transfer_id"
        ),
    },
    Invariant {
        name: "each entry moves the balance on from the entry before on its account",
        count: sql!("SELECT COUNT(*) FROM entry WHERE balance_after IS NOT NULL"),
        breaches: sql!(
            "SELECT e.transfer_id FROM entry e LEFT JOIN entry p ON p.no = e.prev
             WHERE e.balance_after IS NOT NULL AND (
               e.balance_after <> COALESCE(p.balance_after, 0) + e.amount
               OR (e.prev IS NOT NULL AND (p.no IS NULL OR p.account_id <> e.account_id OR p.created_at > e.created_at)))
             ORDER BY e.transfer_id"
        ),
    },
    Invariant {
        name: "each account's entries are one row that ends in its balance",
        count: sql!("SELECT COUNT(*) FROM balance"),
        breaches: sql!(
            "SELECT b.account_id FROM balance b LEFT JOIN entry n ON n.no = b.last_entry
             LEFT JOIN (SELECT account_id, COUNT(*) AS n, COUNT(DISTINCT prev) AS linked FROM entry GROUP BY account_id) e
               ON e.account_id = b.account_id
             WHERE b.entries <> COALESCE(e.n, 0) OR (e.n IS NOT NULL AND e.linked <> e.n - 1)
               OR (b.last_entry IS NULL AND b.posted <> 0)
               OR (b.last_entry IS NOT NULL AND (n.no IS NULL OR n.account_id <> b.account_id
                 OR n.balance_after <> b.posted OR n.created_at <> b.last_at))
             ORDER BY b.account_id"
        ),
    },
    Invariant {
        name: "each line of a statement is the sum of its entries, and is named after them",
        count: sql!("SELECT COUNT(*) FROM statement_line"),
        breaches: sql!(
            "SELECT COALESCE(e.account_id, l.account_id) FROM (
               SELECT e.account_id, e.created_at / 86400000000 AS day, MAX(t.kind) AS kind, MAX(t.listing_id) AS listing_id,
                 CASE WHEN t.kind = 'call' AND t.listing_id IS NOT NULL THEN t.listing_id ELSE t.id END AS line,
                 MAX(CASE WHEN t.kind = 'call' AND t.listing_id IS NOT NULL THEN '' ELSE t.memo END) AS memo,
                 SUM(e.amount) AS amount, COUNT(DISTINCT t.id) AS transfers
               FROM entry e JOIN transfer t ON t.id = e.transfer_id
               GROUP BY e.account_id, e.created_at / 86400000000,
                 CASE WHEN t.kind = 'call' AND t.listing_id IS NOT NULL THEN t.listing_id ELSE t.id END) e
             FULL JOIN statement_line l ON l.account_id = e.account_id AND l.day = e.day AND l.line = e.line
             LEFT JOIN entry n ON n.no = l.last_entry
             WHERE e.amount IS NULL OR l.amount IS NULL OR e.amount <> l.amount OR e.kind <> l.kind
               OR e.memo <> l.memo OR COALESCE(e.listing_id, '') <> COALESCE(l.listing_id, '')
               OR l.transfers < 0 OR l.transfers > e.transfers
               OR n.account_id IS NULL OR n.account_id <> l.account_id OR n.created_at <> l.at ORDER BY 1"
        ),
    },
    Invariant {
        name: "each wallet's statement counts each of its transfers once",
        count: sql!("SELECT COUNT(DISTINCT party_id) FROM account"),
        breaches: sql!(
            "SELECT s.party_id FROM (SELECT a.party_id, SUM(l.transfers) AS n FROM account a
                 JOIN statement_line l ON l.account_id = a.id
               WHERE a.kind IN ('funded', 'promotional', 'prepaid') GROUP BY a.party_id) s
             JOIN (SELECT a.party_id, COUNT(DISTINCT e.transfer_id) AS n FROM account a JOIN entry e ON e.account_id = a.id
               WHERE a.kind IN ('funded', 'promotional', 'prepaid') GROUP BY a.party_id) e ON e.party_id = s.party_id
             WHERE s.n <> e.n ORDER BY s.party_id"
        ),
    },
    Invariant {
        name: "each stored balance is the sum of its account's entries",
        count: sql!("SELECT COUNT(*) FROM balance"),
        breaches: sql!(
            "SELECT b.account_id FROM balance b
             LEFT JOIN (SELECT account_id, SUM(amount) AS total FROM entry GROUP BY account_id) e
               ON e.account_id = b.account_id
             WHERE b.posted <> COALESCE(e.total, 0) ORDER BY b.account_id"
        ),
    },
    Invariant {
        name: "what each account was ever credited is the sum of its entries that came in",
        count: sql!("SELECT COUNT(*) FROM balance"),
        breaches: sql!(
            "SELECT b.account_id FROM balance b
             LEFT JOIN (SELECT account_id, SUM(amount) AS total FROM entry WHERE amount > 0 GROUP BY account_id) e
               ON e.account_id = b.account_id
             WHERE b.credited <> COALESCE(e.total, 0) ORDER BY b.account_id"
        ),
    },
    Invariant {
        name: "what is held is the sum of the open holds",
        count: sql!("SELECT COUNT(*) FROM balance"),
        breaches: sql!(
            "SELECT b.account_id FROM balance b
             LEFT JOIN (SELECT account_id, SUM(amount) AS total FROM hold WHERE state = 'held' GROUP BY account_id) h
               ON h.account_id = b.account_id
             WHERE b.held <> COALESCE(h.total, 0) ORDER BY b.account_id"
        ),
    },
    Invariant {
        name: "no account is below its floor, which is zero",
        count: sql!("SELECT COUNT(*) FROM balance"),
        breaches: sql!(
            "SELECT account_id FROM balance WHERE posted - held < 0 OR floor <> 0 OR held < 0 ORDER BY account_id"
        ),
    },
    Invariant {
        name: "each posted hold has exactly one transfer",
        count: sql!("SELECT COUNT(*) FROM hold WHERE state = 'posted' AND part = 0"),
        breaches: sql!(
            "SELECT h.id FROM hold h
             LEFT JOIN (SELECT hold_id, COUNT(*) AS n FROM transfer WHERE hold_id IS NOT NULL GROUP BY hold_id) t
               ON t.hold_id = h.id
             WHERE h.state = 'posted' AND h.part = 0 AND COALESCE(t.n, 0) <> 1 ORDER BY h.id"
        ),
    },
    Invariant {
        name: "each transfer from a hold has a posted hold and spends at most what it held",
        count: sql!("SELECT COUNT(*) FROM transfer WHERE hold_id IS NOT NULL"),
        breaches: sql!(
            "SELECT t.id FROM transfer t WHERE t.hold_id IS NOT NULL AND (
               NOT EXISTS (SELECT 1 FROM hold h WHERE h.id = t.hold_id)
               OR EXISTS (SELECT 1 FROM hold h WHERE h.id = t.hold_id AND h.state <> 'posted')
               OR EXISTS (SELECT 1 FROM entry e WHERE e.no >= t.first_entry AND e.no < t.first_entry + 16
                 AND e.transfer_id = t.id AND e.amount < 0
                 AND -e.amount > COALESCE((SELECT SUM(h.amount) FROM hold h
                   WHERE h.id = t.hold_id AND h.account_id = e.account_id), 0))) ORDER BY t.id"
        ),
    },
    Invariant {
        name: "each account with a floor has a balance row, and only those",
        count: sql!("SELECT COUNT(*) FROM account"),
        breaches: sql!(
            "SELECT COALESCE(a.id, b.account_id) FROM account a FULL JOIN balance b ON b.account_id = a.id
             WHERE a.id IS NULL OR (b.account_id IS NULL) <> (a.kind IN ('owed', 'outside', 'fees', 'promotions')) ORDER BY 1"
        ),
    },
    Invariant {
        name: "each account is of the kind and party that its id names",
        count: sql!("SELECT COUNT(*) FROM account"),
        breaches: sql!(
            "SELECT id FROM account WHERE NOT (
               (party_id IS NULL AND (id = kind OR (kind = 'outside' AND substr(id, 1, 8) = 'outside:')))
               OR (party_id IS NOT NULL AND kind NOT IN ('prepaid', 'channel') AND id = kind || ':' || party_id)
               OR (party_id IS NOT NULL AND kind IN ('prepaid', 'channel')
                 AND substr(id, 1, length(party_id) + 9) = kind || ':' || party_id || ':')) ORDER BY id"
        ),
    },
];
