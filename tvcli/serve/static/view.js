// Where a photo lies on the stage: fitted into it, zoomed or moved.

const MARGIN = 24; // screen pixels left free around a photo that is fitted
const [LEAST, MOST] = [0.02, 40]; // screen pixels a pixel of the photo may have

export class View {
  scale = 1;
  x = 0;
  y = 0;
  isFitted = true;

  fit(stage, photo) {
    const scale = Math.min((stage.width - MARGIN) / photo.width, (stage.height - MARGIN) / photo.height);
    this.scale = Math.max(scale, 0.01);
    this.x = (stage.width - photo.width * this.scale) / 2;
    this.y = (stage.height - photo.height * this.scale) / 2;
    this.isFitted = true;
  }

  /** Zoom around a point of the stage. */
  zoom(factor, [x, y]) {
    const scale = Math.min(MOST, Math.max(LEAST, this.scale * factor));
    const grown = scale / this.scale;
    Object.assign(this, { scale, x: x - (x - this.x) * grown, y: y - (y - this.y) * grown, isFitted: false });
  }

  pan(across, down) {
    this.x += across;
    this.y += down;
    this.isFitted = false;
  }

  /** The point of the photo under a point of the stage. */
  photoPoint([x, y]) {
    return [(x - this.x) / this.scale, (y - this.y) / this.scale];
  }

  get transform() {
    return `translate(${this.x} ${this.y}) scale(${this.scale})`;
  }
}
