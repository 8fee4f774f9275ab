package web_test

// wantContrast fails where a text of the page is hard to read.
func (b *browser) wantContrast(scheme string) {
	b.t.Helper()
	var wrong []string
	b.eval(contrastScript, &wrong)
	for _, w := range wrong {
		b.t.Errorf("%s: %s", scheme, w)
	}
}

// contrastScript lists the texts of the page whose contrast is below AA: 4.5, or 3 for large ones. What lies over a picture or
// a gradient is not looked at. https://www.w3.org/TR/WCAG22/#contrast-minimum
const contrastScript = `(() => {
	const pen = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
	const rgba = (colour) => {
		pen.clearRect(0, 0, 1, 1);
		pen.fillStyle = colour;
		pen.fillRect(0, 0, 1, 1);
		const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
		return [r, g, b, a / 255];
	};
	const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
	const ground = (e) => {
		if (!e) return [255, 255, 255, 1];
		const own = rgba(getComputedStyle(e).backgroundColor);
		return own[3] === 1 ? own : over(own, ground(e.parentElement));
	};
	const light = (c) => [0.2126, 0.7152, 0.0722].reduce((sum, part, i) => sum + part * (c[i] / 255 <= 0.04045 ? c[i] / 255 / 12.92 : ((c[i] / 255 + 0.055) / 1.055) ** 2.4), 0);
	const wrong = [];
	for (const e of document.querySelectorAll('body *:not(svg *, .circle *)')) {
		if (!e.checkVisibility() || e.closest('.unseen, :disabled') || ![...e.childNodes].some((n) => n.nodeType == 3 && n.data.trim())) continue;
		const style = getComputedStyle(e), under = ground(e);
		const a = light(over(rgba(style.color), under)), b = light(under);
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		const large = parseFloat(style.fontSize) >= 24 || parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700;
		if (ratio < (large ? 3 : 4.5)) wrong.push(e.tagName + '.' + e.className + ' ' + e.textContent.slice(0, 30) + ' has a contrast of ' + ratio.toFixed(2));
	}
	return wrong;
})()`
