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
  /**
   * Sizes of its parts, such as shards, where examples of one part are best read after each other;
   * their sum is `size`. Without it, every order is as quick.
   */
  readonly parts?: readonly number[];
  get(index: number): Promise<T>;
}

/** An image of one class. */
export interface ClassificationExample extends ImageExample {
  /** Index into `LabelledDataset.labels`. */
  readonly label: number;
}

/** A text of one class. */
export interface TextClassificationExample extends TextExample {
  /** Index into `LabelledDataset.labels`. */
  readonly label: number;
}

/** A question about an image (VQAv2); `id` is the question's. */
export interface VqaExample {
  readonly id: string;
  readonly imageId: string;
  readonly image: RgbImage;
  readonly question: string;
  /** What people answered, ten of them in VQAv2, as they wrote it; none where it is kept secret. */
  readonly answers?: readonly string[];
  /** Kind of the question, such as `yes/no`, for scores by kind. */
  readonly kind?: string;
}

/** A statement about two images, true or false (NLVR2). */
export interface VisualReasoningExample {
  /** `identifier` of the official files, such as `dev-850-0-1`. */
  readonly id: string;
  readonly images: readonly [left: RgbImage, right: RgbImage];
  readonly statement: string;
  /** None where it is kept secret. */
  readonly label?: boolean;
}

/** A data set of classes. */
export interface LabelledDataset<T> extends Dataset<T> {
  /** Name of each class. */
  readonly labels: readonly string[];
}

/** Which pixels belong to something: 1 or 0, row by row, `[height, width]`. */
export interface BinaryMask {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** A label for each pixel, row by row, `[height, width]`. */
export interface LabelMap {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** A thing in a picture. */
export interface ObjectInstance {
  /** Index into `LabelledDataset.labels`. */
  readonly label: number;
  /** In pixels; the left upper corner of the picture is (0, 0). */
  readonly box: readonly [left: number, top: number, width: number, height: number];
  /** Pixels that belong to it; COCO gives the area of the outline, not of the box. */
  readonly area: number;
  /** Many things of the kind, not told apart (COCO's `iscrowd`); scores pass them over. */
  readonly crowd: boolean;
  readonly mask: BinaryMask;
}

/** A picture and the things in it (COCO). */
export interface InstanceExample extends ImageExample {
  readonly objects: readonly ObjectInstance[];
}

/** A picture and what each of its pixels shows (ADE20K); of the size of the picture. */
export interface SegmentationExample extends ImageExample {
  /** Values are indices into `LabelledDataset.labels`; 0 is what has no label. */
  readonly segmentation: LabelMap;
}
