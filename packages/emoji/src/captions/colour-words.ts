/** Names of colours that people do not argue about. */
export type ColourName =
  | 'red'
  | 'orange'
  | 'yellow'
  | 'green'
  | 'blue'
  | 'purple'
  | 'pink'
  | 'brown'
  | 'white'
  | 'grey'
  | 'black';

/** All names of colours, with their Chinese words. */
export const colourWords: Readonly<Record<ColourName, string>> = {
  red: '红色',
  orange: '橙色',
  yellow: '黄色',
  green: '绿色',
  blue: '蓝色',
  purple: '紫色',
  pink: '粉色',
  brown: '棕色',
  white: '白色',
  grey: '灰色',
  black: '黑色',
};
