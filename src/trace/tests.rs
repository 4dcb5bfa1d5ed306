use super::*;
use crate::memory::MemoryStore;
use crate::store::Append;
use crate::types::Event;
use proptest::prelude::*;

/// Events with the ids 1, 2, ..., each with the cause that is given.
fn store_of(causes: &[Option<u128>]) -> MemoryStore {
    let store = MemoryStore::new();
    for (index, cause) in causes.iter().enumerate() {
        let mut event = Event::with_id(Uuid::from_u128(index as u128 + 1), "T", "");
        if let Some(cause) = cause {
            event = event.with_causation(Uuid::from_u128(*cause));
        }
        store.append(Append::to("s").event(event)).unwrap();
    }
    store
}

fn ids<'a>(events: impl Iterator<Item = &'a RecordedEvent>) -> Vec<u128> {
    events.map(|event| event.id().as_u128()).collect()
}

#[test]
fn the_tree_is_that_of_the_first_cause() {
    // 1 is alone; 2 came of a command, 3 and 5 of 2, 6 of 3.
    let store = store_of(&[None, Some(77), Some(2), None, Some(2), Some(3)]);
    let tree = CausationTree::of(&store, Uuid::from_u128(6)).unwrap();
    assert_eq!(tree.root().id().as_u128(), 2);
    assert_eq!(tree.root().causation(), Some(Uuid::from_u128(77)));
    let shown: Vec<_> = tree
        .iter()
        .map(|(depth, event)| (depth, event.id().as_u128()))
        .collect();
    assert_eq!(shown, [(0, 2), (1, 3), (2, 6), (1, 5)]);
    assert_eq!(ids(tree.effects_of(tree.root())), [3, 5]);
    assert_eq!(tree.cause_of(tree.asked()).unwrap().id().as_u128(), 3);
    assert!(tree.cause_of(tree.root()).is_none());
    assert_eq!(tree.len(), 4);
}

#[test]
fn what_is_not_there_is_said() {
    let said = CausationTree::of(&store_of(&[None]), Uuid::from_u128(9)).unwrap_err();
    assert!(said.to_string().contains("00000009"), "{said}");
}

proptest! {
    /// Each event is in the tree of each other that has the same first cause,
    /// once, under its cause.
    #[test]
    fn all_that_belongs_together_is_in_the_tree(
        causes in proptest::collection::vec(proptest::option::of(any::<u8>()), 1..20),
        asked in any::<u8>(),
    ) {
        let causes: Vec<Option<u128>> = causes
            .iter()
            .enumerate()
            .map(|(index, cause)| cause.filter(|_| index > 0).map(|cause| u128::from(cause) % index.max(1) as u128 + 1))
            .collect();
        let root = |mut event: u128| {
            while let Some(cause) = causes[event as usize - 1] {
                event = cause;
            }
            event
        };
        let asked = u128::from(asked) % causes.len() as u128 + 1;
        let tree = CausationTree::of(&store_of(&causes), Uuid::from_u128(asked)).unwrap();
        let mut found: Vec<u128> = tree.iter().map(|(_, event)| event.id().as_u128()).collect();
        found.sort_unstable();
        let expected: Vec<u128> = (1..=causes.len() as u128).filter(|event| root(*event) == root(asked)).collect();
        prop_assert_eq!(found, expected);
        prop_assert_eq!(tree.asked().id().as_u128(), asked);
    }
}
