//! A list that most often has one item, for which nothing is allocated.

use std::mem;

/// Some items, in order.
#[derive(Clone, Debug)]
pub(super) enum Few<T> {
    None,
    One(T),
    Many(Vec<T>),
}

impl<T> Few<T> {
    pub(super) fn as_slice(&self) -> &[T] {
        match self {
            Few::None => &[],
            Few::One(item) => std::slice::from_ref(item),
            Few::Many(items) => items,
        }
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [T] {
        match self {
            Few::None => &mut [],
            Few::One(item) => std::slice::from_mut(item),
            Few::Many(items) => items,
        }
    }

    pub(super) fn push(&mut self, item: T) {
        *self = match mem::replace(self, Few::None) {
            Few::None => Few::One(item),
            some => {
                let mut items = some.into_list();
                items.push(item);
                Few::Many(items)
            }
        };
    }

    fn into_list(self) -> Vec<T> {
        /// What a list begins with that grows.
        const ROOM: usize = 4;
        match self {
            Few::None => Vec::new(),
            Few::One(item) => {
                let mut items = Vec::with_capacity(ROOM);
                items.push(item);
                items
            }
            Few::Many(items) => items,
        }
    }
}

impl<T> Extend<T> for Few<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        let items = items.into_iter();
        if items.size_hint().1 == Some(1) {
            items.for_each(|item| self.push(item));
            return;
        }
        let mut list = mem::replace(self, Few::None).into_list();
        list.extend(items);
        *self = Few::Many(list);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_keep_their_order_however_they_come() {
        let mut few = Few::None;
        assert!(few.as_slice().is_empty());
        few.extend([1]);
        assert!(matches!(few, Few::One(1)));
        few.extend([]);
        few.push(2);
        few.extend([3, 4, 5]);
        few.push(6);
        few.as_mut_slice()[1] = 7;
        assert_eq!(few.as_slice(), [1, 7, 3, 4, 5, 6]);
    }
}
