//! Lists that nearly always have one element.

use std::ops::{Deref, DerefMut};

/// A list that needs memory of its own only for a second element: most queries
/// have one item of one term, and most of what is searched for them is one list.
#[derive(Clone, Debug)]
pub(super) enum Few<T> {
    None,
    One(T),
    Many(Vec<T>),
}

impl<T> Few<T> {
    pub(super) fn push(&mut self, element: T) {
        match self {
            Few::None => *self = Few::One(element),
            Few::Many(many) => many.push(element),
            Few::One(_) => {
                let first = self.pop();
                *self = Few::Many(first.into_iter().chain([element]).collect());
            }
        }
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        match std::mem::replace(self, Few::None) {
            Few::None => None,
            Few::One(only) => Some(only),
            Few::Many(mut many) => {
                let last = many.pop();
                *self = Few::Many(many);
                last
            }
        }
    }

    /// Gives up the elements of which `keep` says no.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        match self {
            Few::One(only) if !keep(only) => *self = Few::None,
            Few::Many(many) => many.retain(keep),
            Few::None | Few::One(_) => {}
        }
    }
}

impl<T> Extend<T> for Few<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, elements: I) {
        elements.into_iter().for_each(|element| self.push(element));
    }
}

impl<T> FromIterator<T> for Few<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        let mut few = Few::None;
        few.extend(elements);
        few
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        match self {
            Few::None => &[],
            Few::One(only) => std::slice::from_ref(only),
            Few::Many(many) => many,
        }
    }
}

impl<T> DerefMut for Few<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        match self {
            Few::None => &mut [],
            Few::One(only) => std::slice::from_mut(only),
            Few::Many(many) => many,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_what_was_put_in_however_much_that_is() {
        let mut few = Few::None;
        for count in 0..5 {
            assert_eq!(*few, *(0..count).collect::<Vec<_>>());
            assert_eq!(*few, *(0..count).collect::<Few<_>>());
            few.push(count);
        }
        few.reverse();
        for expected in 0..5 {
            assert_eq!(few.pop(), Some(expected));
        }
        assert_eq!(few.pop(), None);
        few.extend([1, 2, 3]);
        few.retain(|element| *element != 2);
        assert_eq!(*few, [1, 3]);
        few.retain(|_| false);
        few.push(9);
        few.retain(|element| *element == 9);
        assert_eq!((few.len(), few.pop()), (1, Some(9)));
    }
}
