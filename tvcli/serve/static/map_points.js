// The points of a map as numbers: where each photo lies, and which lie in a place. Nothing here touches a page.

export const SIDE = 4096; // units of the plane, across and down

export class Points {
  /** `layout` is what the server says of a map; a point's row in the index is its place times `step`. */
  constructor(layout) {
    const unit = SIDE / layout.side;
    Object.assign(this, { layout, step: layout.step, count: layout.x.length });
    this.x = Float32Array.from(layout.x, (x) => x * unit);
    this.y = Float32Array.from(layout.y, (y) => y * unit);
    this.open = null; // which points the filters leave: 1 or 0 each; null: all
  }

  rowOf = (point) => point * this.step;
  pointOf = (row) => (row % this.step || row / this.step >= this.count ? -1 : row / this.step);
  isOpen = (point) => !this.open || this.open[point] === 1;

  /** Leave the points of some rows; null: all. */
  leave(rows) {
    this.open = rows && new Uint8Array(this.count);
    for (const row of rows ?? []) if (this.pointOf(row) >= 0) this.open[this.pointOf(row)] = 1;
  }

  /** The points that pass a test of their place, among those that are left. */
  where(test) {
    const found = [];
    for (let point = 0; point < this.count; point++)
      if (this.isOpen(point) && test(this.x[point], this.y[point])) found.push(point);
    return found;
  }

  inside([x0, y0, x1, y1]) {
    return this.where((x, y) => x >= x0 && x <= x1 && y >= y0 && y <= y1);
  }

  /** The points within a polygon of [x, y] corners: those from which a ray crosses an odd number of its sides. */
  within(corners) {
    return this.where((x, y) => {
      let isIn = false;
      for (let here = 0, last = corners.length - 1; here < corners.length; last = here++) {
        const [[ax, ay], [bx, by]] = [corners[here], corners[last]];
        if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) isIn = !isIn;
      }
      return isIn;
    });
  }

  /** The point closest to a place, -1 if none is within `reach`. */
  nearest(x, y, reach = Infinity) {
    let [best, least] = [-1, reach * reach];
    for (let point = 0; point < this.count; point++) {
      if (!this.isOpen(point)) continue;
      const far = (this.x[point] - x) ** 2 + (this.y[point] - y) ** 2;
      if (far <= least) [best, least] = [point, far];
    }
    return best;
  }

  /** The next point from one in a direction (-1, 0, 1 each): near, and not far to the side; itself if none is there. */
  toward(from, across, down) {
    let [best, least] = [from, Infinity];
    const [fromX, fromY] = [this.x[from], this.y[from]];
    for (let point = 0; point < this.count; point++) {
      if (point === from || !this.isOpen(point)) continue;
      const [dx, dy] = [this.x[point] - fromX, this.y[point] - fromY];
      const ahead = dx * across + dy * down;
      const aside = Math.abs(dx * down) + Math.abs(dy * across);
      // Photos at the very same place are gone through in their order.
      const isNext = ahead > 0 ? aside <= ahead : !ahead && !aside && (point > from) === (across + down > 0);
      const far = ahead > 0 ? ahead + 2 * aside : 0;
      if (isNext && far < least) [best, least] = [point, far];
    }
    return best;
  }
}
