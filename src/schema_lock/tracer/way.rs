//! The way from the root to a place.

/// What lies between the root and a place: named types, and places that may be
/// left empty.
#[derive(Clone, Copy)]
pub(super) struct Way<'w> {
    up: Option<&'w Way<'w>>,
    pub(super) depth: usize,
    name: &'static str,
    escape: Option<usize>,
}

impl<'w> Way<'w> {
    pub(super) const START: Way<'static> = Way {
        up: None,
        depth: 0,
        name: "",
        escape: None,
    };

    pub(super) fn down(&'w self, name: &'static str, escape: Option<usize>) -> Way<'w> {
        Way {
            up: Some(self),
            depth: self.depth + 1,
            name,
            escape,
        }
    }

    fn steps(&self) -> impl Iterator<Item = &Way<'w>> {
        std::iter::successors(Some(self), |way| way.up)
    }

    /// How often a named type is on the way already.
    pub(super) fn count(&self, name: &str) -> usize {
        self.steps().filter(|own| own.name == name).count()
    }

    /// The nearest place since that type which may be left empty.
    pub(super) fn escape_since(&self, name: &str) -> Option<usize> {
        self.steps()
            .take_while(|own| own.name != name)
            .find_map(|own| own.escape)
    }
}
