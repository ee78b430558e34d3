/** A decoded image: RGB bytes, row by row, `[height, width, 3]`. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

export interface TextExample {
  readonly id: string;
  readonly text: string;
}

export interface ImageExample {
  readonly id: string;
  readonly image: RgbImage;
}

/** An image with one or more captions that each describe it. */
export interface PairExample {
  readonly id: string;
  readonly image: RgbImage;
  readonly captions: readonly string[];
}

/** Random access to examples; `get(i)` is the same example whenever and wherever it is asked. */
export interface Dataset<T> {
  /** Number of examples. */
  readonly size: number;
  get(index: number): Promise<T>;
}
