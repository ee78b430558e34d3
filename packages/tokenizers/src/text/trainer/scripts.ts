/** The scripts of Unicode 15 but Common, Inherited and those that are written together with Han. */
const NAMES: readonly string[] = `
  Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak
  Bengali Bhaiksuki Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian
  Caucasian_Albanian Chakma Cham Cherokee Chorasmian Coptic Cuneiform Cypriot Cypro_Minoan
  Cyrillic Deseret Devanagari Dives_Akuru Dogra Duployan Egyptian_Hieroglyphs Elbasan Elymaic
  Ethiopic Georgian Glagolitic Gothic Grantha Greek Gujarati Gunjala_Gondi Gurmukhi Hangul
  Hanifi_Rohingya Hanunoo Hatran Hebrew Imperial_Aramaic Inscriptional_Pahlavi
  Inscriptional_Parthian Javanese Kaithi Kannada Kawi Kayah_Li Kharoshthi Khitan_Small_Script
  Khmer Khojki Khudawadi Lao Latin Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani
  Makasar Malayalam Mandaic Manichaean Marchen Masaram_Gondi Medefaidrin Meetei_Mayek
  Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani Myanmar
  Nabataean Nag_Mundari Nandinagari New_Tai_Lue Newa Nko Nushu Nyiakeng_Puachue_Hmong Ogham
  Ol_Chiki Old_Hungarian Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_Sogdian
  Old_South_Arabian Old_Turkic Old_Uyghur Oriya Osage Osmanya Pahawh_Hmong Palmyrene
  Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang Runic Samaritan Saurashtra Sharada
  Shavian Siddham SignWriting Sinhala Sogdian Sora_Sompeng Soyombo Sundanese Syloti_Nagri
  Syriac Tagalog Tagbanwa Tai_Le Tai_Tham Tai_Viet Takri Tamil Tangsa Tangut Telugu Thaana
  Thai Tibetan Tifinagh Tirhuta Toto Ugaritic Vai Vithkuqi Wancho Warang_Citi Yezidi Yi
  Zanabazar_Square
`
  .trim()
  .split(/\s+/);

/** Numbers that `scriptClassifier` gives; every other script has one of its own. */
export const SCRIPT: { inherited: 0; common: 1; han: 2 } = { inherited: 0, common: 1, han: 2 };

/**
 * Makes a function from characters to the number of their script.
 *
 * Han, Hiragana and Katakana (the long vowel sign included) count as one, since Japanese words mix
 * them; characters of no script are Common.
 */
export function scriptClassifier(): (character: string) => number {
  const inherited = /^\p{Script=Inherited}$/u;
  const han = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u30fc]$/u;
  const common = /^[\p{Script=Common}\p{Script=Unknown}]$/u;
  const others = NAMES.map((name) => new RegExp(`^\\p{Script=${name}}$`, 'u'));
  let last = 0;
  return (character) => {
    if (inherited.test(character)) return SCRIPT.inherited;
    if (han.test(character)) return SCRIPT.han;
    if (common.test(character)) return SCRIPT.common;
    // Neighbours in an alphabet mostly share a script, so the last one found is tried first.
    if (!others[last]!.test(character)) last = others.findIndex((script) => script.test(character));
    if (last >= 0) return last + 3;
    last = 0;
    return SCRIPT.common;
  };
}
