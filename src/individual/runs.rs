//! A closer look at texts with runs of digits: whether any of them ends in its check digit. Of those that
//! come so far, times and other numbers go no further.

use super::{Number, passes};

/// Bytes of the longest sign between two groups of four digits.
const LONGEST_SIGN: usize = 3;

/// What a look along a text remembers of its digits.
#[derive(Default)]
struct Runs {
    /// The first digits of the run, and how many it has.
    digits: Number,
    len: usize,
    /// The last three runs of four digits, and how many of them stand close together.
    fours: Number,
    close: usize,
    /// Bytes since the last run.
    between: usize,
}

impl Runs {
    fn digit(&mut self, digit: u8) {
        if self.len == 0 && self.between > LONGEST_SIGN {
            self.close = 0;
        }
        if let Some(place) = self.digits.get_mut(self.len) {
            *place = digit;
        }
        self.len += 1;
        self.between = 0;
    }

    /// Ends the run; whether a number may end with it.
    fn end(&mut self) -> bool {
        let len = std::mem::take(&mut self.len);
        if len != 4 {
            self.close = 0;
            return len == self.digits.len() && passes(&self.digits);
        }
        self.fours.copy_within(4.., 0);
        self.fours[8..].copy_from_slice(&self.digits[..4]);
        self.close += 1;
        self.close >= 3 && passes(&self.fours)
    }
}

/// Whether there may be a number in a text that passes; where there is one, this says so.
pub(super) fn may_hold(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < Number::default().len() {
        return false;
    }
    let mut runs = Runs::default();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match (byte, bytes.get(at + 1), bytes.get(at + 2)) {
            (b'0'..=b'9', ..) => {
                runs.digit(byte - b'0');
                at += 1;
            }
            // The full-width digits.
            (0xEF, Some(0xBC), Some(&last @ 0x90..=0x99)) => {
                runs.digit(last - 0x90);
                at += 3;
            }
            _ => {
                if runs.len > 0 && runs.end() {
                    return true;
                }
                runs.between += 1;
                at += 1;
            }
        }
    }
    runs.len > 0 && runs.end()
}
