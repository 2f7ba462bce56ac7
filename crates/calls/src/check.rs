//! The invariants that join calls with the ledger.

use farebox_base::Result;
use farebox_db::{Db, sql};
use farebox_ledger::check::{Finding, Invariant, run};

/// Every invariant of the calls' tables.
pub const CALL_INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "each charged call has exactly one transfer, of the amount charged",
        count: sql!("SELECT COUNT(*) FROM call WHERE state = 'charged'"),
        breaches: sql!(
            "SELECT c.id FROM call c WHERE c.state = 'charged' AND (
               (SELECT COUNT(*) FROM transfer t WHERE t.id = c.id AND t.kind = 'call') <> 1
               OR c.charged <> COALESCE((SELECT SUM(e.amount) FROM transfer t
                 JOIN entry e ON e.no >= t.first_entry AND e.no < t.first_entry + 16 AND e.transfer_id = t.id
                 WHERE t.id = c.id AND e.amount > 0), 0))
             ORDER BY c.id"
        ),
    },
    Invariant {
        name: "each transfer for a call has a charged call",
        count: sql!("SELECT COUNT(*) FROM transfer WHERE kind = 'call'"),
        breaches: sql!(
            "SELECT t.id FROM transfer t WHERE t.kind = 'call'
               AND NOT EXISTS (SELECT 1 FROM call c WHERE c.id = t.id AND c.state = 'charged') ORDER BY t.id"
        ),
    },
    Invariant {
        name: "each charged call moved money of its buyer, its seller and the platform only",
        count: sql!("SELECT COUNT(*) FROM call WHERE state = 'charged'"),
        breaches: sql!(
            "SELECT c.id FROM call c JOIN transfer t ON t.id = c.id
             JOIN entry e ON e.no >= t.first_entry AND e.no < t.first_entry + 16 AND e.transfer_id = t.id
             WHERE c.state = 'charged'
               AND (e.account_id <> COALESCE('outside:x402:' || (SELECT p.network FROM payment p WHERE p.id = c.id), ''))
               AND e.account_id NOT IN ('fees', 'earnings:' || c.seller_party_id,
               'funded:' || c.buyer_party_id, 'promotional:' || c.buyer_party_id,
               'prepaid:' || c.buyer_party_id || ':' || c.seller_party_id)
               AND substr(e.account_id, 1, length(c.buyer_party_id) + 9) <> 'channel:' || c.buyer_party_id || ':' ORDER BY c.id"
        ),
    },
    Invariant {
        name: "each call that is not charged cost nothing, and no call cost more than its quote",
        count: sql!("SELECT COUNT(*) FROM call"),
        breaches: sql!(
            "SELECT id FROM call WHERE (state <> 'charged' AND charged <> 0) OR charged > quoted OR charged < 0 ORDER BY id"
        ),
    },
    Invariant {
        name: "each open hold of a call belongs to an open call",
        count: sql!("SELECT COUNT(*) FROM hold WHERE state = 'held' AND part = 0"),
        breaches: sql!(
            "SELECT h.id FROM hold h JOIN call c ON c.id = h.id
             WHERE h.state = 'held' AND h.part = 0 AND c.state <> 'open' ORDER BY h.id"
        ),
    },
    Invariant {
        name: "each open call that costs something has its hold",
        count: sql!("SELECT COUNT(*) FROM call WHERE state = 'open'"),
        breaches: sql!(
            "SELECT c.id FROM call c WHERE c.state = 'open' AND c.quoted > 0
               AND NOT EXISTS (SELECT 1 FROM hold h WHERE h.id = c.id AND h.state = 'held')
               AND NOT EXISTS (SELECT 1 FROM payment p WHERE p.id = c.id AND p.state IN ('reserved', 'earned')) ORDER BY c.id"
        ),
    },
    Invariant {
        name: "each settled payment has a charged call of its amount or its part, and each payment under way an open one",
        count: sql!("SELECT COUNT(*) FROM payment WHERE deposit_to IS NULL"),
        breaches: sql!(
            "SELECT p.id FROM payment p LEFT JOIN call c ON c.id = p.id WHERE p.deposit_to IS NULL AND (c.id IS NULL
               OR (p.state = 'settled' AND (c.state <> CASE WHEN p.amount = 0 THEN 'free' ELSE 'charged' END
                 OR c.charged <> COALESCE(p.charged, p.amount) OR p.tx_hash IS NULL))
               OR (p.state IN ('reserved', 'earned') AND c.state <> 'open')
               OR (p.state = 'refused' AND c.state = 'charged')) ORDER BY p.id"
        ),
    },
    Invariant {
        name: "what a settled payment was more than its call is its buyer's, once",
        count: sql!("SELECT COUNT(*) FROM payment WHERE charged IS NOT NULL"),
        breaches: sql!(
            "SELECT p.id FROM payment p JOIN call c ON c.id = p.id
             LEFT JOIN transfer t ON t.id = 'change:' || p.id AND t.kind = 'crypto_deposit'
             LEFT JOIN entry e ON e.no >= t.first_entry AND e.no < t.first_entry + 16 AND e.transfer_id = t.id
               AND e.amount = p.amount - p.charged
               AND e.account_id IN ('funded:' || c.buyer_party_id, 'prepaid:' || c.buyer_party_id || ':' || c.seller_party_id)
             WHERE p.charged IS NOT NULL AND (p.state = 'settled') <> (e.no IS NOT NULL) ORDER BY p.id"
        ),
    },
    Invariant {
        name: "of no payment more is taken than was authorized",
        count: sql!("SELECT COUNT(*) FROM payment"),
        breaches: sql!("SELECT id FROM payment WHERE amount < 0 OR amount > authorized ORDER BY id"),
    },
    Invariant {
        name: "each deposit is credited once, if and only if it was settled",
        count: sql!("SELECT COUNT(*) FROM payment WHERE deposit_to IS NOT NULL"),
        breaches: sql!(
            "SELECT p.id FROM payment p
             LEFT JOIN transfer t ON t.id = 'deposit:' || p.id AND t.kind = 'crypto_deposit'
             LEFT JOIN entry e ON e.no >= t.first_entry AND e.no < t.first_entry + 16 AND e.transfer_id = t.id
               AND e.account_id = p.deposit_to AND e.amount = p.amount
             WHERE p.deposit_to IS NOT NULL AND (p.state = 'settled') <> (e.no IS NOT NULL) ORDER BY p.id"
        ),
    },
    Invariant {
        name: "each transfer on a chain that was named as a deposit is credited once",
        count: sql!("SELECT COUNT(*) FROM chain_deposit"),
        breaches: sql!(
            "SELECT d.transfer_id FROM chain_deposit d
             LEFT JOIN transfer t ON t.id = d.transfer_id AND t.kind = 'crypto_deposit'
             LEFT JOIN entry e ON e.no >= t.first_entry AND e.no < t.first_entry + 16 AND e.transfer_id = t.id
               AND e.account_id = d.deposit_to AND e.amount = d.amount
             WHERE e.no IS NULL ORDER BY d.transfer_id"
        ),
    },
    Invariant {
        name: "no transfer on a chain is both a deposit and the settlement of a payment",
        count: sql!("SELECT COUNT(*) FROM chain_deposit"),
        breaches: sql!(
            "SELECT d.transfer_id FROM chain_deposit d
             WHERE EXISTS (SELECT 1 FROM payment p WHERE p.tx_hash = d.tx_hash)
               OR EXISTS (SELECT 1 FROM x402_settlement s WHERE s.tx_hash = d.tx_hash) ORDER BY d.transfer_id"
        ),
    },
    Invariant {
        name: "each channel's account has its balance less what was charged and not lost",
        count: sql!("SELECT COUNT(*) FROM channel"),
        breaches: sql!(
            "SELECT c.id FROM channel c WHERE c.balance - c.charged + c.lost <> COALESCE((
               SELECT SUM(e.amount) FROM entry e WHERE e.account_id = 'channel:' || c.party_id || ':' || c.id), 0)
             ORDER BY c.id"
        ),
    },
    Invariant {
        name: "no channel is charged beyond its last voucher, and none without one",
        count: sql!("SELECT COUNT(*) FROM channel"),
        breaches: sql!(
            "SELECT c.id FROM channel c WHERE c.charged < 0 OR c.lost < 0 OR c.lost > c.charged
               OR (c.charged > c.claimed AND c.signature IS NULL) ORDER BY c.id"
        ),
    },
    Invariant {
        name: "free-tier slots used are the free-tier calls made or running",
        count: sql!("SELECT COUNT(*) FROM free_tier_use"),
        breaches: sql!(
            "SELECT COALESCE(f.party_id, c.buyer_party_id) FROM free_tier_use f FULL JOIN (
               SELECT buyer_party_id, listing_id, COUNT(*) AS used FROM call
               WHERE free_tier = 1 AND state IN ('open', 'free') GROUP BY buyer_party_id, listing_id) c
               ON c.buyer_party_id = f.party_id AND c.listing_id = f.listing_id
             WHERE COALESCE(f.used, 0) <> COALESCE(c.used, 0) ORDER BY 1"
        ),
    },
    Invariant {
        name: "what each buyer has used of each listing is the sum of its calls",
        count: sql!("SELECT COUNT(*) FROM call_use"),
        breaches: sql!(
            "SELECT COALESCE(c.buyer_party_id, u.buyer_party_id)
             FROM (SELECT listing_id, buyer_party_id, SUM(charged) AS charged, COALESCE(SUM(latency_ms), 0) AS latency_ms,
                 SUM(CASE WHEN state = 'failed' THEN 0 ELSE 1 END) AS served,
                 SUM(CASE WHEN state = 'failed' THEN 1 ELSE 0 END) AS failed
               FROM call WHERE state IN ('charged', 'free', 'failed') GROUP BY listing_id, buyer_party_id) c
             FULL JOIN call_use u ON u.listing_id = c.listing_id AND u.buyer_party_id = c.buyer_party_id
             WHERE c.charged IS NULL OR u.charged IS NULL OR c.charged <> u.charged OR c.served <> u.served
               OR c.failed <> u.failed OR c.latency_ms <> u.latency_ms ORDER BY 1"
        ),
    },
    Invariant {
        name: "each saved answer belongs to a served call",
        count: sql!("SELECT COUNT(*) FROM idempotency WHERE state <> 'running'"),
        breaches: sql!(
            "SELECT i.call_id FROM idempotency i WHERE i.state <> 'running'
               AND NOT EXISTS (SELECT 1 FROM call c WHERE c.id = i.call_id AND c.state IN ('charged', 'free'))
             ORDER BY i.call_id"
        ),
    },
];

/// Runs every invariant that joins calls with the ledger.
pub async fn check(db: &Db) -> Result<Vec<Finding>> {
    run(db, CALL_INVARIANTS).await
}
