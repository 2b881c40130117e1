"""Pages that are acted on: what happens to them is written down in `log`, one line per event."""

_LOG = """<script>
const log = [];
const note = (...kinds) => kinds.forEach(kind => document.addEventListener(kind, event => {
  const what = event.target.id || event.target.getAttribute?.('aria-label') || event.target.tagName;
  log.push([kind, what, event.target.value ?? '', event.isTrusted ? 'real' : 'made'].join(' ').replace('  ', ' '));
}, true));
</script>"""

CHOICES = f"""<!doctype html><title>Choices</title><body>{_LOG}
<label for=size>Size</label><select id=size><option>Small<option>Medium<option disabled>Huge
<optgroup label=Large><option>Large<option value=xl>Extra  large</optgroup></select>
<select id=country aria-label=Country><option>Niger<option>Nigeria<option>Norway<option>North Macedonia<option>Oman
</select>
<select id=colours aria-label=Colours multiple size=3><option>Red<option>Green<option selected>Blue<option>a] [b
<option>Violet</select>
<select id=city aria-label=City size=2><option>Bern<option>Rome<option>Oslo</select>
<select id=off aria-label=Off disabled><option>One<option>Two</select>
<select id=shut aria-label=Shut onmousedown="event.preventDefault()"><option>One<option>Two</select>
<select id=late aria-label=Late onmousedown="if (!this.options[1]) this.add(new Option('Fresh'))"><option>Stale</select>
<button>Plain</button><iframe srcdoc="<select aria-label=Inner><option>In<option>Out</select>" title=Frame></iframe>
<script>note('mousedown', 'focus', 'keydown', 'input', 'change')</script></body>"""

SCRIPTED = f"""<!doctype html><title>Scripted</title><body>{_LOG}
<div role=combobox tabindex=0 aria-label=Fruit aria-controls=fruits aria-expanded=false id=fruit
onclick="fruits.hidden = !fruits.hidden">Choose</div>
<ul role=listbox id=fruits hidden onclick="fruit.textContent = event.target.textContent; fruits.hidden = true">
<li role=option id=apple>Apple<li role=option id=pear>Pear<li role=option aria-disabled=true>Plum</ul>
<input role=combobox aria-label=Town aria-expanded=false onclick="town()">
<script>
const town = () => setTimeout(() => document.body.insertAdjacentHTML('beforeend', `<ul role=listbox id=towns>
<li role=option onclick="document.title = 'Town: Ulm'; towns.remove()">Ulm</li><li role=option>Bonn</li></ul>`));
</script>
<div role=combobox tabindex=0 aria-label=Empty>Nothing here</div>
<ul role=listbox aria-label=Toppings aria-multiselectable=true onclick="
const o = event.target.closest('[role=option]'); o.ariaSelected = String(o.ariaSelected !== 'true')">
<li role=option aria-selected=true id=ham>Ham<li role=option aria-selected=false id=olives>Olives
<li role=option aria-selected=false id=corn>Corn</ul>
<script>note('click')</script></body>"""

UPLOADS = f"""<!doctype html><title>Uploads</title><body>{_LOG}
<form action=/uploaded method=post enctype=multipart/form-data>
<input type=file name=one id=one aria-label=One><input type=file multiple name=many id=many aria-label=Many>
<label id=named>Attach
<input type=file name=hid id=hid style="opacity:0;position:absolute;width:1px;height:1px"></label>
<input type=file id=off aria-label=Off disabled><button>Send</button></form>
<input type=file id=behind hidden><button onclick="behind.click()">Choose a file</button>
<button onclick="const i = document.createElement('input'); i.type = 'file'; i.click();
i.onchange = async () => document.title = await i.files[0].text()">Read a file</button>
<button>Plain</button><script>note('click', 'input', 'change')</script></body>"""

DRAGS = f"""<!doctype html><title>Drags</title><style>
body {{ margin: 20px }} .box {{ width: 120px; height: 40px; margin: 10px; background: #ddd }}
#far {{ margin-top: 2000px }}</style><body>{_LOG}
<div class=box id=card role=button aria-label=Card draggable=true>Card</div>
<div class=box id=bin role=button aria-label=Bin>Bin</div>
<div class=box id=wall role=button aria-label=Wall>Wall</div>
<div class=box id=piece role=button aria-label=Piece style="position:relative">Piece</div>
<button class=box disabled aria-label=Stuck>Stuck</button>
<div class=box id=far role=button aria-label=Far>Far</div>
<script>
card.ondragstart = event => event.dataTransfer.setData('text/plain', 'the card');
for (const place of [bin, far]) {{
  place.ondragover = event => event.preventDefault();
  place.ondrop = event => {{
    event.preventDefault();
    document.title = place.id + ' got ' + event.dataTransfer.getData('text');
  }};
}}
let from = null;
piece.onmousedown = event => {{ from = event.pageY - piece.offsetTop; event.preventDefault() }};
document.onmousemove = event => {{
  if (from === null) return;
  piece.style.top = event.pageY - from - piece.offsetTop + parseFloat(piece.style.top || 0) + 'px';
  log.push('moves');
}};
document.onmouseup = event => {{
  if (from !== null) document.title = 'piece over ' + document.elementsFromPoint(event.clientX, event.clientY)[1].id;
  from = null;
}};
note('mousedown', 'dragstart', 'dragenter', 'drop', 'dragend', 'mouseup');
</script></body>"""

OBSTACLES = """<!doctype html><title>Obstacles</title><style>
.under { position: relative; width: 200px; height: 30px } .under > * { position: absolute; inset: 0 }</style><body>
<div class=under><button>Pay</button><div role=dialog aria-label=Cookies style="background:#fff;z-index:1">
<p>We use cookies</p><button onclick="this.parentElement.remove()">Accept</button></div></div>
<div class=under><button>Buy</button><a href="/cart" style="background:#eee">Ad for a kettle</a></div>
<button style="pointer-events:none">Ghost</button>
<button style="position:fixed;left:-500px;top:0">Outside</button>
<div style="height:40px;overflow:clip;position:relative">
<button style="position:absolute;top:60px">Cut</button></div>
<button id=fades>Fades</button>
<button id=shrinks>Shrinks</button>
<button id=runs style="position:absolute;left:300px;top:300px"
onmousemove="this.style.left = (parseInt(this.style.left) + 250) % 900 + 'px'">Runs</button>
<button id=steps style="position:absolute;left:300px;top:400px" onclick="document.title = 'caught'"
onmousemove="if (this.style.left === '300px') this.style.left = '600px'">Steps aside</button>
<fieldset disabled><button>Off by its group</button></fieldset>
<input aria-label=Fixed readonly value=x><select aria-label=Kind style="opacity:0"><option>A<option>B</select>
<div style="position:absolute;top:500px">
<iframe title=Frame style="height:60px" srcdoc="<button>Inner</button>"></iframe>
<div style="position:absolute;inset:0;background:#fff"><a href="/cart">Over the frame</a></div></div>
<script>addEventListener('click', event => { if (event.target === document.body) document.title = 'hit the page' })
</script></body>"""

DIALOGS = """<!doctype html><title>Dialogs</title><body>
<button onclick="document.title = 'sure: ' + confirm('Delete the [7] button \\'Buy\\'?\\n Really?')">Delete</button>
<button onclick="document.title = 'name: ' + prompt('Your name?', 'Ann')">Name</button>
<button onclick="document.title = [confirm('one?'), confirm('two?')]">Two</button>
<button onclick="setTimeout(() => { document.title = 'later: ' + confirm('later?') })">Later</button>
<button onclick="if (confirm('Go to the cart?')) location.href = '/cart'">Leave</button>
<button onclick="setTimeout(load)">Load</button><script>
const load = () => confirm('Load?') && fetch('/slow-json').then(r => r.text()).then(t => late.append(t)) </script>
<button onclick="window.open('/cart', '_blank'); document.title = 'sure: ' + confirm('sure?')">Open</button>
<button onclick="while (!confirm('again?'));">Again and again</button>
<button onclick="setInterval(() => confirm('tick?'))">Tick</button>
<button onclick="window.addEventListener('beforeunload', event => event.preventDefault())">Guard</button>
<button onclick="alert('note this'); document.title = 'noted'">Alert</button>
<input aria-label=Field onfocus="if (!window.was) { was = true; confirm('May I?') }">
<button onclick="document.title = 'other'">Other</button><p id=late></p></body>"""

ASKS = """<!doctype html><title>Asks</title><body><script>
const answer = confirm('Are you 18?')</script><h1 id=head>Welcome</h1><script>head.append(answer)</script></body>"""

COPYING = """<!doctype html><title>Copying</title><body><h1>Copying</h1>
<label>From <input id=from value="of a script"></label><label>To <input id=to></label>
<p>Some <b>bold</b> words <img src=/copied.png alt=Picture></p><div contenteditable role=textbox aria-label=Rich></div>
<button onclick="from.select(); tell('copied ' + document.execCommand('copy'))">Copy by script</button>
<button onclick="other = 'another thing'; from.select(); document.execCommand('copy'); other = ''">
Copy another thing</button>
<button onclick="navigator.clipboard.readText().then(text => tell('read ' + text), tell)">Read by API</button>
<button onclick="navigator.clipboard.writeText('of the API').then(() => tell('written'), tell)">Write by API</button>
<script>
const from = document.querySelector('#from'), tell = text => { document.querySelector('h1').textContent = text };
let other = '';
for (const kind of ['copy', 'paste']) addEventListener(kind, event => {
  window.heard = (window.heard || '') + kind;
  if (kind === 'copy' && other) event.preventDefault(), event.clipboardData.setData('text/plain', other);
}, true);
</script></body>"""

PAGES = {
    "choices": CHOICES,
    "scripted": SCRIPTED,
    "uploads": UPLOADS,
    "drags": DRAGS,
    "obstacles": OBSTACLES,
    "dialogs": DIALOGS,
    "asks": ASKS,
    "copying": COPYING,
}
