//! What a decision rests on: small projections, and how they are put together.

use crate::store::QueryItem;
use crate::types::EventRef;
use std::fmt;

/// What a decision rests on: which events, and the state that they make.
///
/// [`Fold`] and [`Latest`] are facts. So is a tuple of up to eight facts, and a
/// `Vec` of facts; `()` rests on nothing. All of them are served by one read
/// (and one more for each `Latest`), up to the same head. A type of your own
/// may be one, too.
pub trait Facts<E> {
    /// What is known.
    type State;

    /// Before any event.
    fn start(&self) -> Self::State;

    /// Calls `each` with every item that asks for events, and with how much of
    /// what it asks for is needed.
    fn items(&self, each: &mut dyn FnMut(&QueryItem, Need));

    /// Takes account of an event. It is one that some fact of this decision
    /// asked for, perhaps not this one: look at `record`. Events come in the
    /// order of their positions, each once. One event may stand for several
    /// values (see `Upcasters`), and comes once for each then.
    fn apply(&self, state: &mut Self::State, record: &EventRef<'_>, event: &E);
}

/// How much of what an item asks for is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Need {
    /// Every event.
    All,
    /// The newest event; others may be given, too, before it.
    Newest,
}

type Apply<S, E> = Box<dyn Fn(&mut S, &E) + Send + Sync>;

/// A state that every event of a kind changes: seats taken, a balance.
pub struct Fold<E, S> {
    items: Vec<QueryItem>,
    start: S,
    apply: Apply<S, E>,
}

impl<E, S> Fold<E, S> {
    /// Begins with `start`; each event that the item asks for changes it.
    ///
    /// ```
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # enum Shop { Stocked { pieces: i64 }, Sold { pieces: i64 } }
    /// use annals::QueryItem;
    /// use annals::decision::Fold;
    /// fn in_stock(article: u32) -> Fold<Shop, i64> {
    ///     let item = QueryItem::all().with_tag(format!("article:{article}"));
    ///     Fold::new(item, 0, |pieces, event| match event {
    ///         Shop::Stocked { pieces: more } => *pieces += more,
    ///         Shop::Sold { pieces: fewer } => *pieces -= fewer,
    ///     })
    /// }
    /// # let _ = in_stock(1);
    /// ```
    pub fn new(
        item: QueryItem,
        start: S,
        apply: impl Fn(&mut S, &E) + Send + Sync + 'static,
    ) -> Self {
        Fold {
            items: vec![item],
            start,
            apply: Box::new(apply),
        }
    }

    /// Adds an item: events that it asks for change the state, too. An event
    /// that two items ask for counts once.
    #[must_use]
    pub fn or(mut self, item: QueryItem) -> Self {
        self.items.push(item);
        self
    }
}

impl<E, S: Clone> Facts<E> for Fold<E, S> {
    type State = S;

    fn start(&self) -> S {
        self.start.clone()
    }

    fn items(&self, each: &mut dyn FnMut(&QueryItem, Need)) {
        for item in &self.items {
            each(item, Need::All);
        }
    }

    fn apply(&self, state: &mut S, record: &EventRef<'_>, event: &E) {
        if self.items.iter().any(|item| item.matches(record)) {
            (self.apply)(state, event);
        }
    }
}

/// What the newest event of a kind says: the number given last, the present
/// price. However many there are, one is read.
pub struct Latest<E, S> {
    item: QueryItem,
    read: Box<dyn Fn(&E) -> S + Send + Sync>,
}

impl<E, S> Latest<E, S> {
    /// `read` takes what is wanted out of the newest event that the item asks
    /// for; the state is `None` if there is no such event.
    ///
    /// ```
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # enum Billing { InvoiceIssued { number: u64 } }
    /// use annals::QueryItem;
    /// use annals::decision::Latest;
    /// let last_number = Latest::new(QueryItem::all().with_type("InvoiceIssued"), |event: &Billing| {
    ///     let Billing::InvoiceIssued { number } = event;
    ///     *number
    /// });
    /// # let _ = last_number;
    /// ```
    pub fn new(item: QueryItem, read: impl Fn(&E) -> S + Send + Sync + 'static) -> Self {
        Latest {
            item,
            read: Box::new(read),
        }
    }
}

impl<E, S> Facts<E> for Latest<E, S> {
    type State = Option<S>;

    fn start(&self) -> Option<S> {
        None
    }

    fn items(&self, each: &mut dyn FnMut(&QueryItem, Need)) {
        each(&self.item, Need::Newest);
    }

    fn apply(&self, state: &mut Option<S>, record: &EventRef<'_>, event: &E) {
        if self.item.matches(record) {
            *state = Some((self.read)(event));
        }
    }
}

impl<E, F: Facts<E>> Facts<E> for Vec<F> {
    type State = Vec<F::State>;

    fn start(&self) -> Self::State {
        self.iter().map(Facts::start).collect()
    }

    fn items(&self, each: &mut dyn FnMut(&QueryItem, Need)) {
        for facts in self {
            facts.items(each);
        }
    }

    fn apply(&self, state: &mut Self::State, record: &EventRef<'_>, event: &E) {
        for (facts, state) in self.iter().zip(state) {
            facts.apply(state, record, event);
        }
    }
}

/// Facts of a tuple are those of its members.
macro_rules! tuple {
    ($($name:ident $index:tt),*) => {
        impl<E, $($name: Facts<E>),*> Facts<E> for ($($name,)*) {
            type State = ($($name::State,)*);

            #[allow(clippy::unused_unit)]
            fn start(&self) -> Self::State {
                ($(self.$index.start(),)*)
            }

            fn items(&self, _each: &mut dyn FnMut(&QueryItem, Need)) {
                $(self.$index.items(_each);)*
            }

            fn apply(&self, _state: &mut Self::State, _record: &EventRef<'_>, _event: &E) {
                $(self.$index.apply(&mut _state.$index, _record, _event);)*
            }
        }
    };
}

tuple!();
tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, F 4);
tuple!(A 0, B 1, C 2, D 3, F 4, G 5);
tuple!(A 0, B 1, C 2, D 3, F 4, G 5, H 6);
tuple!(A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7);

impl<E, S: fmt::Debug> fmt::Debug for Fold<E, S> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Fold")
            .field("items", &self.items)
            .field("start", &self.start)
            .finish_non_exhaustive()
    }
}

impl<E, S> fmt::Debug for Latest<E, S> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Latest")
            .field("item", &self.item)
            .finish_non_exhaustive()
    }
}
