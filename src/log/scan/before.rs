//! How far something goes on: items without a mark, times within a range.

use super::{Hot, hot};

/// Items that are looked at one by one before the others are in groups.
const NEAR: usize = 8;

/// How many items stand before the first that is what is asked for; all of them, if none is.
#[inline]
pub fn before<T: Copy>(items: &[T], is: impl Fn(T) -> bool) -> usize {
    // (Where there are few, no look at a group is worth it.)
    let near = items.iter().take(NEAR);
    match near.map(|&item| is(item)).position(|found| found) {
        Some(few) => few,
        None => hot(Before(items, is)),
    }
}

/// Without a branch within a group, so that the compiler looks at several at once.
struct Before<'a, T, F>(&'a [T], F);

impl<T: Copy, F: Fn(T) -> bool> Hot for Before<'_, T, F> {
    type Output = usize;

    #[inline(always)]
    fn run(self) -> usize {
        let Before(items, is) = self;
        let mut passed = 0;
        for group in items.chunks(8 * NEAR) {
            let found = group.iter().map(|&item| u64::from(is(item)));
            if found.fold(0, |any, one| any | one) != 0 {
                let others = group.iter().take_while(|item| !is(**item));
                return passed + others.count();
            }
            passed += group.len();
        }
        passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_before_the_first_is_counted_wherever_it_is() {
        for n in [0, 1, 7, 8, 9, 63, 64, 65, 71, 72, 73, 200] {
            for at in 0..=n {
                let mut items = vec![0u64; n];
                items[at..].iter_mut().step_by(3).for_each(|item| *item = 1);
                assert_eq!(before(&items, |item| item == 1), at, "{at} of {n}");
            }
        }
    }
}
