//! Boards: words that live beside the files.

use crate::env::Board;
use std::sync::Arc;

/// The words of a board, without the zeros at its end.
pub(super) fn words(board: &Board) -> Arc<[u64]> {
    let count = (Board::BYTES / 8) as usize;
    let used = (0..count).rev().find(|index| board.get(*index) != 0);
    let used = used.map_or(0, |index| index + 1);
    (0..used).map(|index| board.get(index)).collect()
}

/// A board that holds these words.
pub(super) fn board(words: &[u64]) -> Board {
    let board = Board::in_memory();
    for (index, word) in words.iter().enumerate() {
        board.set(index, *word);
    }
    board
}
