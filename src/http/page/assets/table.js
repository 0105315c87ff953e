// A table whose rows are kept from one update to the next: a row is found again by its key, and only cells that have
// changed are written. While somebody points at a row, or has the focus in one, the order stays as it is.

import { make, write } from './dom.js';

export class Table {
  /**
   * `columns`: `{ cell, className, bar, action }`. `cell(item)` is the text; `bar(item)` a share from 0 to 1 that is drawn behind
   * it; `action(item)` makes the cell a button; `warn(item)` marks it.
   */
  constructor(element, columns, key) {
    this.element = element;
    this.body = element.tBodies[0];
    this.columns = columns;
    this.key = key;
    this.rows = new Map();
  }

  show(items) {
    const held = this.body.matches(':hover') || this.body.contains(document.activeElement);
    const next = new Map();
    for (const item of items) {
      const key = this.key(item);
      const row = this.rows.get(key) ?? this.add();
      this.fill(row, item);
      next.set(key, row);
    }
    for (const [key, row] of this.rows) if (!next.has(key)) row.element.remove();
    // Rows that the server wrote are replaced by the first update.
    if (this.rows.size === 0) this.body.replaceChildren();
    this.rows = next;
    let before = null;
    for (const { element } of [...next.values()].reverse()) {
      if (!element.isConnected || (!held && element.nextSibling !== before)) this.body.insertBefore(element, before);
      before = element;
    }
  }

  add() {
    const cells = this.columns.map((column, at) => {
      const cell = document.createElement(at === 0 ? 'th' : 'td');
      if (at === 0) cell.scope = 'row';
      if (column.className) cell.className = column.className;
      if (!column.action) return { cell, text: cell };
      const button = make('button', 'in-cell');
      button.type = 'button';
      cell.append(button);
      return { cell, text: button };
    });
    return { element: make('tr', '', cells.map(({ cell }) => cell)), cells };
  }

  fill(row, item) {
    this.columns.forEach((column, at) => {
      const { cell, text } = row.cells[at];
      write(text, column.cell(item));
      if (column.bar) {
        cell.classList.add('bar');
        cell.style.setProperty('--share', column.bar(item).toFixed(3));
      }
      if (column.warn) cell.classList.toggle('warn', column.warn(item));
      if (column.action) text.onclick = () => column.action(item);
    });
  }

  clear() {
    this.show([]);
  }
}
