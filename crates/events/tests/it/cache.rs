//! What the cache forgets and when.

use farebox_events::{Cache, Changes};
use farebox_testkit::engines::TestDb;
use std::sync::Arc;

#[tokio::test]
async fn a_value_is_forgotten_when_its_scope_moves_and_only_then() {
    let place = TestDb::sqlite().await;
    let changes = Changes::new(place.open(Arc::new(farebox_db::NoFaults)));
    let cache: Cache<String, u32> = Cache::new(changes.scope("things"), 100);
    let version = cache.version();
    cache.insert("a".to_owned(), version, 1);
    changes.local("others");
    assert_eq!(cache.get("a"), Some(1));
    changes.local("things");
    assert_eq!(cache.get("a"), None);
    cache.insert("a".to_owned(), version, 1);
    assert_eq!(cache.get("a"), None, "what was read before the change must not count as current");
    cache.insert("a".to_owned(), cache.version(), 2);
    assert_eq!(cache.get("a"), Some(2));
}

#[tokio::test]
async fn the_cache_stays_bounded_and_keeps_what_is_current() {
    let place = TestDb::sqlite().await;
    let changes = Changes::new(place.open(Arc::new(farebox_db::NoFaults)));
    let cache: Cache<u32, u32> = Cache::new(changes.scope("things"), 160);
    for n in 0..10_000 {
        cache.insert(n, cache.version(), n);
        assert_eq!(cache.get(&n), Some(n));
    }
    let kept = (0..10_000).filter(|n| cache.get(n).is_some()).count();
    assert!((1..=160).contains(&kept), "{kept}");
}
