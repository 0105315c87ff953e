// Work that is done again and again, one run at a time: the next begins some time after the last has ended.

export class Repeat {
  /** `work` returns the milliseconds until its next run, or a promise of them. */
  constructor(work) {
    this.work = work;
    this.timer = 0;
    this.running = false;
    this.again = false;
  }

  /** Runs it at once; if it runs already, once more after that. */
  async now() {
    clearTimeout(this.timer);
    if (this.running) {
      this.again = true;
      return;
    }
    this.running = true;
    let delay;
    do {
      this.again = false;
      delay = await this.work();
    } while (this.again);
    this.running = false;
    this.timer = setTimeout(() => this.now(), delay);
  }
}
