"""Write the log of the bundled example: one month of calls of an invented shop's support desk.

The shop, its customers, its orders and every text are made up here; addresses are at example.com. Texts are
hand-written templates, filled with facts that a seeded generator draws, so sums, dates and answers agree and the
same seed gives the same bytes. Token counts are estimated from the text, latency from the token counts.

    python benchmarks/make_example_log.py --output examples/support-desk/logs/october.jsonl
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

MODEL = "gpt-5.6-terra"
INPUT_USD, OUTPUT_USD = 2.00, 12.00  # per 1,000,000 tokens
DAYS = 31

NAMES = (
    "Ada Bell", "Bruno Keel", "Carla Nyx", "Dario Finch", "Elin Marsh", "Farid Oaks", "Greta Holm", "Hugo Penn",
    "Ines Rook", "Jonas Wilde", "Kaya Stroud", "Leif Arden", "Mina Crewe", "Nils Tarn", "Olga Fenn", "Pavel Birk",
    "Quinn Hale", "Rosa Lund", "Sven Moor", "Tilda Rowe", "Uma Croft", "Viktor Dale", "Wanda Pike",
    "Yara Stone", "Zeno Field", "Maud Ferry", "Otto Glen", "Petra Vale", "Silas Brook", "Thea Wren",
)  # fmt: skip
CITIES = (
    "Eastmere", "Halden Bay", "Norwick", "Stonebridge", "Little Ashby",
    "Portlow", "Greyhaven", "Millcross", "Tarnford", "Upper Wold",
)  # fmt: skip
STREETS = (
    "Quarry Lane", "Weir Road", "Lantern Street", "Old Mill Way",
    "Heron Close", "Chapel Rise", "Bramble Walk", "Tide Street",
)  # fmt: skip
CARRIERS = ("Swiftlane", "ParcelOak", "Northpost")
ITEMS = (  # name, price in cents
    ("Cinder 2 camping stove", 6400), ("Marsh 30 backpack", 8900), ("Tarn 2 tent", 21900), ("Heath down jacket", 15900),
    ("Lark headlamp", 3900), ("Fell trekking pole set", 5990), ("Moor sleeping bag", 12900),
    ("Brook water filter", 4450), ("Ridge rain jacket", 11900), ("Copper cook set", 5290), ("Wold sleeping mat", 7450),
    ("Gale 65 backpack", 17450), ("Thistle hammock", 4990), ("Kestrel dry bag", 2790),
    ("Beaver camp chair", 6650), ("Pine lantern", 3350),
)  # fmt: skip
EXTRAS = (  # one, several, price in cents
    ("gas cartridge", "gas cartridges", 750),
    ("merino sock pair", "merino sock pairs", 1690),
    ("tent peg set", "tent peg sets", 990),
    ("repair patch kit", "repair patch kits", 640),
    ("steel mug", "steel mugs", 1190),
    ("spare filter", "spare filters", 1850),
    ("guy line", "guy lines", 880),
    ("waterproof match box", "waterproof match boxes", 420),
)
HARD = ("Cinder 2 camping stove", "Lark headlamp", "Brook water filter", "Copper cook set", "Pine lantern")
POWERED = ("Cinder 2 camping stove", "Lark headlamp", "Pine lantern")
SIZED = ("Heath down jacket", "Ridge rain jacket", "Moor sleeping bag")
PACKS = ("Marsh 30 backpack", "Gale 65 backpack")
POOLS = {  # scenarios and reasons that make sense for some items only
    "damaged": HARD,
    "faulty": POWERED,
    "wrong_size": SIZED,
    "exchange": ("Ridge rain jacket",),
    "warranty": PACKS,
}

POLICY = """
You answer customer mail for Harrowfen Outdoor, an online shop for camping gear. Be friendly, concrete and brief.
Use only the facts of the order record. Rules of the house: returns within 30 days of delivery, with a free label;
refunds reach the customer 5 business days after the parcel is back with us; after 30 days we offer a voucher of half
the price of an unused item; warranty is 2 years; exchanges are free; damaged, wrong or missing goods are replaced
at no cost; a late parcel is searched for 7 days and then sent again or refunded in full; price drops within 14 days
of the order are refunded; orders can
be changed or
cancelled until they ship. Standard shipping is $4.90, free from $60.00. Sign as "Harrowfen Outdoor Support".
"""

OPENINGS = (
    "Hello {first},\n\nThank you for writing to us.",
    "Hi {first},\n\nThanks for getting in touch.",
    "Dear {first},\n\nThank you for your message about order {no}.",
    "Hello {first},\n\nI have looked at order {no} for you.",
    "Hi {first},\n\nThanks for your mail, I have your order in front of me.",
    "Good day {first},\n\nThank you for letting us know.",
    "Hello {first},\n\nThanks for your patience while I checked this.",
)
CLOSINGS = (
    "Just reply to this mail if anything is unclear.",
    "If you have another question, answer this mail and it reaches me.",
    "Let us know if there is anything else we can do.",
    "Should anything look different on your side, please tell me.",
    "Have a good week, and write any time.",
    "Thank you for shopping with us, {first}.",
    "Please keep the order number {no} at hand if you write again.",
    "I hope that settles it, and I am glad to help further.",
)
SIGNATURES = (
    "Kind regards,\nHarrowfen Outdoor Support",
    "Best wishes,\nHarrowfen Outdoor Support",
    "Harrowfen Outdoor Support",
)

# "### scenario youngest oldest": days since the order. "= part": a variant. Lines join; "|" starts a line of its own.
REPLIES = """
### late 8 10
= mail
My order {no} should have been here on {due}. Today is {today} and there is still nothing. Where is it?
= mail
Hello, I ordered the {item} on {ordered} and was promised delivery by {due}. The tracking page has not moved for
days. Can you find out what is going on? {first}
= mail
I need the {item} for a trip and it is late. The order number is {no}. Has it been lost, and what happens if it has?
= record
Status: shipped {shipped} with {carrier}, tracking {track}
| Promised: {due}
| Last scan: {scan}, depot {city}
= a
Your parcel left us on {shipped} and was promised for {due}, so it is late and I am sorry about that. {carrier} last
scanned it on {scan} at its depot in {city}; it has not been reported lost.
= a
You are right, the delivery date of {due} has passed. The last sign of the parcel is a scan at the {city} depot of
{carrier} on {scan}, which means that it is on its way but held up.
= a
The {item} was handed to {carrier} on {shipped} under tracking number {track}. It was scanned in {city} on {scan}
and has been waiting there since, which explains why you did not get it by {due}.
= b
I have asked {carrier} to look for it today. If it has not reached you by {limit}, we treat it as lost: you then
choose between a new parcel at no cost and a full refund of {total}.

You do not need to do anything until then.
= b
What happens next: the carrier now has until {limit} to deliver. After that date I will either send the whole order
again or pay back the {total}, whichever you prefer.

You can follow the parcel with the number {track}.
= b
I have opened a search with the carrier. Should the parcel still be missing on {limit}, write to me and I will
refund {total} in full or send everything a second time, as you wish.

### damaged 5 9
= mail
The {item} from order {no} arrived with a crack right through it. The box was crushed on one side. I want one
that works.
= mail
Hi, parcel came on {delivered}, but the {item} is broken. Photos attached. Could you send another one? Order {no}.
Thanks, {first}
= mail
Very disappointed. I unpacked my {item} and it is dented and one part is loose. It was clearly dropped on the way.
What
now?
= record
Status: delivered {delivered} by {carrier}
| Stock of {item}: available, ships tomorrow ({tomorrow})
= a
I am sorry that the {item} reached you damaged. That should not happen, and of course you get a new one: it ships
tomorrow, {tomorrow}, at no cost to you.
= a
That is annoying, and not what you paid {price} for. A replacement {item} is reserved for you and leaves our
warehouse on {tomorrow}; there is nothing to pay.
= a
A parcel that was dropped on the way is ours to put right. We have the {item} in stock, so I have booked a free
replacement that goes out on {tomorrow}.
= b
Please put the damaged one back in its box and use the free return label that I have attached. You have 30 days for
this, until {window}, and the new one does not wait for it.

The rest of your order stays as it is.
= b
For the damaged piece you will find a free label in the attachment. Hand the parcel in at any {carrier} point by
{window}. If you would rather have your money back than a replacement, tell me before tomorrow and I will refund
{price} instead.
= b
Two things to do on your side:

| 1. Keep the outer box for a few days, in case {carrier} wants to see it.
| 2. Send the broken {item} back with the attached free label by {window}.

### return 9 20
= mail
I would like to return the {item} from order {no}. It is unused, I just bought the wrong thing. How does that work
and how much do I get back?
= mail
Hello, can I still send back the {item}? It arrived on {delivered}. I will keep the rest of the order. Regards,
{first}
= mail
The {item} is not for me after all. Please tell me until when I can return it, and whether I have to pay the postage.
= record
Status: delivered {delivered}
| Return window ends: {window}
= a
Yes, you can return the {item}. It was delivered on {delivered}, so the 30 days run until {window}.
= a
No problem at all. Your parcel arrived on {delivered}; you can send the {item} back until {window}, and you do not
need to give a reason.
= a
You are well within the 30 days: the last day for returning the {item} from order {no} is {window}.
= b
The return is free. Print the attached label, pack the {item} in any sturdy box and hand it in at a {carrier} point.

You will get {price} back, 5 business days after the parcel has reached us. The rest of the order, {n2} x {item2}
for {sub2}, remains yours.
= b
How it works:

| 1. Put the {item} and the packing slip in a box.
| 2. Stick on the free label from the attachment.
| 3. Drop it off at any {carrier} point.

We refund {price} to the way you paid, within 5 business days of the parcel being back with us.
= b
Postage is on us, the label is attached. As soon as the parcel is back at our warehouse we check the {item} and pay
{price} to the card you used; that takes 5 business days. Nothing changes for the {item2s} in the same order.

### too_late 52 80
= mail
I never got round to using the {item} I bought from you (order {no}). It is still sealed. I want a refund please.
= mail
Hi, the {item} has been sitting in my cupboard since {delivered}, tags still on. Can I return it? {first}
= mail
Please refund order {no}. I only need the money for the {item}, which I have not used. I know it has been a while.
= record
Status: delivered {delivered}
| Return window ended: {window}
| Condition according to customer: unused
= a
Returns for a refund are open for 30 days after delivery. Yours came on {delivered}, so that period ended on
{window} and a refund in money is no longer possible.
= a
I checked the dates: the {item} was delivered on {delivered}, and the 30 days for a refund were over on {window}.
= a
The return window for this order closed on {window}, 30 days after the delivery on {delivered}, so the {item} is
past the date for a normal refund.
= b
As it is unused, there is another way: we take it back against a voucher of half its price. For the {item} at
{price} that makes {half}.

If you would like this, reply with "voucher" and I will send you a free label.
= b
What I can offer you is a voucher. For an unused item it is worth half of what you paid, here {half} of {price}, and
you can spend it on anything in the shop. Shall I send the label for it?
= b
For unused items we do have an alternative, a voucher of half the price. You paid {price} for the {item}, so the
voucher is {half}. Tell me if you want to go ahead and you will get a free return label today.

### wrong_item 5 9
= mail
I ordered a {item} and got a {other}. Order {no}. How do we fix this?
= mail
Hello, there was a {other} in my parcel that I never ordered, and my {item} is missing. Please swap. {first}
= mail
Your warehouse mixed something up: the slip says {item}, the box holds a {other}. I need the right thing soon.
= record
Status: delivered {delivered}
| Packed according to warehouse: 1 x {other} (error)
| Stock of {item}: available, ships tomorrow ({tomorrow})
= a
That was our mistake: the warehouse packed a {other} where your order says {item}. The right one ships tomorrow,
{tomorrow}, free of charge.
= a
I am sorry for the mix-up. Our packing list shows that a {other} went into your box by error. I have booked your
{item} for dispatch on {tomorrow}.
= a
You ordered a {item} and our team packed a {other}, so this is entirely on us. Your {item} is in stock and leaves on
{tomorrow}.
= b
Please send the {other} back with the attached label, which costs you nothing. There is no hurry, {window} is early
enough. You will not be charged anything beyond the {total} you have already paid.
= b
The {other} can go back in the same box with the free label attached to this mail, until {window}. If you no longer
want the {item}, tell me today and I will refund its price of {price} instead.
= b
For the {other} you will find a free label attached; any {carrier} point accepts it. Your payment of {total} covers
the correct {item}, so there is no new invoice.

### missing 5 9
= mail
My parcel {no} came on {delivered}, but the {item2s} I paid for are not in it. I only got the {item}.
= mail
Something is missing from my order. According to the slip there should be {n2} x {item2} in the box. There is none.
Can you send it? Best, {first}
= mail
Hi there, the {item} arrived fine, thanks, but where are the {item2s}? I was charged {sub2} for them.
= record
Status: delivered {delivered}, one parcel
| Note of warehouse: {n2} x {item2} left on the shelf, not packed
= a
I have checked with the warehouse: the {item2s} ({n2} pieces, {sub2}) were left on the shelf and never packed. I am
sorry
about that.
= a
You are right. Your order includes {n2} x {item2} for {sub2}, and our warehouse has confirmed that they stayed
behind when the parcel was packed.
= a
The warehouse found the answer quickly: {n2} x {item2} stayed on the shelf by mistake, so only the {item} went into
your parcel.
= b
I can send them now by letter post, free of charge, or refund {sub2}. Please tell me which you prefer; if I hear
nothing by {soon}, I will send the goods.
= b
You have the choice: we post the missing part to you at no cost, or you get {sub2} back on your card. A short reply
by {soon} is enough, otherwise it goes into the post.
= b
Without further word from you, the missing part will be on its way to you on {soon}. If you bought a substitute in
the meantime, reply with "refund" and I will pay back {sub2} instead.

### double_charge 2 4
= mail
You charged me twice! My bank shows {total} two times for order {no}. I only ordered once.
= mail
Hello, there are two payments of {total} on my account, both from {ordered}. Please return one of them. {first}
= mail
Why do I see {total} twice on my card? I want to know when I get the second amount back.
= record
Payment: first attempt {ordered}, authorised {total}, not captured, expires {limit}
| Payment: second attempt {ordered}, captured {total}
= a
I can see both entries. Only one of them is a payment: the second attempt on {ordered}, for {total}. The first is a
reservation that your bank made and that we never collected.
= a
I understand the worry, so here are the facts: we have received {total} once. The other entry comes from a first
attempt on {ordered}, which was authorised but not captured.
= a
You have paid once. On {ordered} there was a first attempt that only reserved {total}, and a second one that went
through; banks often show the two alike.
= b
The reservation expires on {limit} at the latest and the amount is then free again. You do not need to do anything.
Should both entries still be there after {limit}, send me a screenshot and I will take it up with our payment
provider.
= b
Your bank releases the reserved amount by itself, no later than {limit}. Your order is not affected and the sum you
pay stays at {total}.
= b
By {limit} the reserved entry will have disappeared from your statement. If your bank needs a confirmation before
that, I can send one which says that only one payment of {total} was collected.

### price_drop 6 11
= mail
I paid {price} for the {item} on {ordered} and now it is on your page for {low}. Can I get the difference?
= mail
Just my luck: the {item} went on sale a few days after my order {no}. It is {low} now. Is there anything you can do?
{first}
= mail
Do you match your own prices? The {item} costs {low} today, I paid {price}.
= record
Status: delivered {delivered}
| Current price of {item}: {low}
| Price protection ends: {protect}
= a
Yes, we refund price drops within 14 days of the order. You ordered on {ordered}, so you are covered until {protect}.
= a
Good that you asked. Your order of {ordered} is less than 14 days old, which means that the lower price applies to
you as well.
= a
We do. Price drops in the first 14 days count for orders already placed, and for yours that period runs until
{protect}.
= b
You paid {price} and the price is now {low}, so I have refunded the difference of {diff}. It goes to the card that
you used for the order.
= b
The difference between {price} and {low} is {diff}. I have just sent that amount back to your original way of
payment; nothing needs to be returned.
= b
That makes a refund of {diff} ({price} minus {low}), which I have released today. The {item} is yours to keep, of
course.

### cancel 0 1
= mail
Please cancel order {no}, I made it by mistake.
= mail
Hello, I found the {item} in a local shop. If order {no} has not been sent yet, can you stop it? Thank you, {first}
= mail
Is it possible to cancel the order I placed on {ordered}? I have not had a shipping mail so far.
= record
Status: paid, not shipped
= a
Order {no} had not left the warehouse, so I was able to cancel it completely.
= a
You were in time. The order of {ordered} was still waiting to be packed and is now cancelled.
= a
That worked: nothing had been shipped, and order {no} is cancelled as of today, {today}.
= b
The full amount of {total} goes back to the card that you paid with. Depending on your bank, it takes a few days to
show. You will get a confirmation by mail to {email}.
= b
I have released the refund of {total}, which is everything that you paid for the {item} and the {item2s}. There is
nothing to send
back and nothing else to do.
= b
We return the whole {total} to you in the way you paid. If you still find something in your inbox from us, it is the
confirmation of this cancellation and not a new order.

### address 0 1
= mail
I gave my old address for order {no}. Please send it to {street}, {city} instead.
= mail
Hi, I moved! Could you change the delivery address of my order to {street} in {city}? I hope it is not too late.
{first}
= mail
Wrong address on {no}, sorry. It has to be {street}, {city}. Do I need to order again?
= record
Status: paid, not shipped, planned dispatch {tomorrow}
= a
Your order has not shipped yet, so I have changed the address to {street}, {city}.
= a
Done: order {no} now goes to {street} in {city}. You wrote in time, as dispatch is planned for {tomorrow}.
= a
No need to order again. The new delivery address for {no} is {street}, {city}, and I have saved it in the order.
= b
The parcel is planned to leave on {tomorrow}, and you will get the tracking number by mail to {email}. The invoice
over {total} keeps your old address unless you ask me to change that too.
= b
Nothing else changes: the {item} and the {item2s} are reserved for you, and the total stays at {total}. Dispatch is
planned for {tomorrow}.

If you want the new address for later orders as well, please update it in your account.
= b
Please have a last look at the spelling of the street. Until the parcel leaves on {tomorrow} we can still correct
it; after that only the carrier can.

### warranty 200 500
= mail
The zip of my {item} tore after less than two years. I bought it from you on {ordered}. Is that covered?
= mail
Hello, my {item} (order {no}) has come apart at a seam with normal use. What does your warranty say? {first}
= mail
I have had the {item} since {delivered} and now a buckle has snapped off. Repair, replacement, anything?
= record
Status: delivered {delivered}
| Warranty ends: {warranty}
= a
Yes, this is covered. Our warranty lasts 2 years, and for your {item}, delivered on {delivered}, it runs until
{warranty}.
= a
I am sorry that the {item} let you down. The good news is that the 2-year warranty is valid until {warranty}, so you
will not have to pay for this.
= a
The warranty on the {item} is still running: 2 years from the delivery on {delivered}, which is until {warranty}.
= b
Please send us two photos, one of the whole item and one of the damage. We then repair it if that is sensible, and
replace it if not. The postage both ways is on us.
= b
Could you answer with a photo of the broken part? With that I can open the case today and send you a free label. Our
workshop decides between repair and replacement once it has seen the piece.
= b
This is what happens now:

| - You send a photo of the damage in reply to this mail.
| - I send you a free label for the {item}.
| - The workshop repairs it or, if that is not possible, we replace it.

### invoice 12 40
= mail
My accountant needs an itemised invoice for order {no}. Can you tell me the single amounts?
= mail
Could you list what exactly I paid on {ordered}? I only see {total} on my statement. Thanks, {first}
= mail
Please confirm the items and the total of {no} in writing, for my expenses.
= record
Status: paid by card on {ordered}, delivered {delivered}
= a
Here is the breakdown of order {no}, paid on {ordered}:

| - 1 x {item}: {price}
| - {n2} x {item2}: {sub2}
| - Shipping: {ship}
| - Total: {total}
= a
Your payment of {ordered} is made up as follows. The {item} cost {price}, the {item2s} ({n2} x {price2}) came to
{sub2} and shipping was {ship}. Together that is {total}.
= a
I am happy to confirm order {no} of {ordered}: one {item} at {price} and {n2} x {item2} at {price2} each ({sub2}),
plus {ship} for shipping, so {total} in all, paid by card.
= b
The invoice as a file is in your account under "Orders", and I have also sent it to {email}.
= b
If your accountant needs a company name on it, tell me the wording and I will issue the invoice again with the same
amounts.
= b
You are welcome to use this mail for your records. The goods without shipping come to {goods}, in case you have to
enter the two separately.

### partial 6 10
= mail
Only one parcel came, but I thought that I would get everything at once. Where are the {item2s} from {no}?
= mail
Hi, the {item} is here. Are the {item2s} still coming or do I have to do something? {first}
= mail
My order {no} says "partly delivered". What does that mean, and will I pay shipping twice?
= record
Status: parcel 1 ({item}) delivered {delivered}
| Parcel 2 ({n2} x {item2}): leaves {tomorrow}, expected {limit}
| No second charge for shipping
= a
Your order travels in two parcels. The first, with the {item}, was delivered on {delivered}; the second holds {n2} x
{item2} and leaves on {tomorrow}.
= a
Everything is in order, the goods just come separately. The {item2s} were not in the same warehouse as the {item}, so
there is a second parcel that goes out on {tomorrow}.
= a
"Partly delivered" means that parcel 1 with the {item} has arrived and parcel 2 with the {item2s} is still to come.
It is being packed and leaves on {tomorrow}.
= b
We expect it to reach you on {limit}. Shipping is not charged again, so the total stays at {total}.
= b
It should be with you on {limit}, and you will get its own tracking mail at {email}. There is no second charge for
shipping.
= b
Please expect it on {limit}. You do not have to do anything, and the {total} that you paid covers both parcels.

### exchange 7 15
= mail
The jacket is too small. Can I swap size {size} for {newsize}? Order {no}.
= mail
Hello, I ordered a Ridge rain jacket in {size} and need {newsize}. Do you have it, and does the exchange cost
anything? {first}
= mail
Love the Ridge rain jacket, but {size} is tight over a fleece. I would rather have {newsize}. What is the quickest
way?
= record
Size ordered: {size}
| Stock in size {newsize}: available
| Status: delivered {delivered}, return window ends {window}
= a
Size {newsize} is available, and I have put one aside for you until {soon}.
= a
Yes, we have the jacket in {newsize}. Exchanges are free, and you have until {window} to send the {size} back.
= a
Gladly. I have reserved a Ridge rain jacket in {newsize} under your order number, and it stays reserved until {soon}.
= b
Just answer "yes" to this mail and the {newsize} ships tomorrow, {tomorrow}. The {size} goes back with the attached
free label by {window}. The price is the same in every size, so there is nothing to pay.
= b
The quickest way is this: confirm by {soon}, and the new jacket leaves the next day without waiting for the old one.
Please return the {size} unworn by {window}; the label is attached and free.
= b
Once you confirm the exchange, we send the {newsize} at once and at no cost. You then have until {window} to put the
{size} in the post with our free label. If the fit is still not right, a refund of {price} remains possible until
the same day.
"""

TRIAGE_SYSTEM = """
Label the customer's message. Answer with exactly one word out of: shipping, refund, product, billing, account, other.
"""
TRIAGE = """
shipping: Tracking says "out for delivery" since Tuesday. Is order {no} ever going to arrive?
shipping: Do you deliver to islands, and how long does it take?
shipping: The driver left my {item} with a neighbour I do not know. Which house was it?
shipping: Can order {no} come on a Saturday? I am never home during the week.
shipping: My parcel went back to the depot because nobody rang. Please send it out again.
shipping: I would like {no} to go to a pick-up point in {city} instead of my home.
shipping: When will you dispatch the {item}? The shop said two days and it has been five.
refund: I sent the {item} back two weeks ago and have not seen my {price} yet.
refund: How do I get my money back for a tent that I returned on {ordered}?
refund: You confirmed the return of {no}, but the amount you paid back is {diff} too low.
refund: Please cancel the {item} and give me back what I paid.
refund: I want to return both mugs. Who pays for the postage and when do I get the money?
refund: The voucher is no use to me, I asked for the {price} back on my card.
product: Does the {item} fit in hand luggage?
product: Which cartridge goes with the Cinder 2 camping stove, screw or clip?
product: Is the Moor sleeping bag warm enough for minus five degrees?
product: How do I wash the Heath down jacket without ruining it?
product: My Lark headlamp blinks red three times and then turns off. What does that mean?
product: Can I use the Brook water filter with salt water?
product: What is the difference between the Marsh 30 and the Gale 65, apart from size?
product: The poles that I got make a clicking sound when I lean on them. Normal?
billing: I need the invoice for {no} with our company name on it.
billing: My card was declined although there is enough money on it. Can I pay in another way?
billing: There is a charge of {total} from you that I do not recognise.
billing: Why was I charged $4.90 for shipping when the order was above $60.00?
billing: Can I pay for the {item} in three instalments?
billing: The discount code AUTUMN was accepted, but the invoice shows the full price.
account: I forgot my password and the reset mail never comes.
account: Please change my login from my old mail address to {email}.
account: Delete my account and everything that you have stored about me.
account: I have two logins by accident. Can you merge them so I see all my orders?
account: Someone seems to have logged in as me from another city. Please lock my profile.
other: Are you hiring for the winter season? I worked in a gear shop for two years.
other: Our scout group of {n2}0 wonders whether you sponsor camps.
other: I write a hiking blog and would like to interview your founder.
other: Just wanted to say that {name} on your phone line was wonderful today. Thank you!
"""

EXTRACT = {
    "return": """
Extract the return request as a JSON object with the keys order_no (string), product (string), quantity (integer),
reason (one of damaged, wrong_item, wrong_size, changed_mind, faulty) and wants (refund or exchange). Only JSON.
""",
    "order": """
Turn the order mail into a JSON object with the keys customer (string), email (string), items (list of objects with
product, quantity, unit_price), shipping (number) and total (number). Amounts are numbers in dollars. Only JSON.
""",
    "address": """
Read the change of address. Return a JSON object with the keys order_no, name, street, postcode and city, all strings,
for the NEW address. Only JSON.
""",
    "callback": """
Extract the wish for a call as a JSON object: name, phone, date (YYYY-MM-DD), time (HH:MM, 24 hours) and topic (one of
delivery, refund, product, account). Today's date stands above the message. Only JSON.
""",
}
EXTRACTIONS = """
### return
= damaged refund
Hello, I am sending back {q} x {item} from {no}. It came out of the box with a broken corner, and I would like my
money back. Best, {first}
= wrong_item exchange
Order {no}: you sent me a {item} ({q} of them, to be exact), which I did not order. Please exchange for what is on
my slip.
= changed_mind refund
I bought {q} x {item} last month and have simply decided against camping this year. All unused. I would like a
refund. Number: {no}.
= faulty exchange
My {item} stopped working on the second evening, without being dropped. Quantity {q}, order {no}. I would like a new
one in exchange, no refund needed.
= wrong_size exchange
Too big for me, sadly! It is about the {item}, {q} piece(s), order {no}. Please exchange it for the next smaller size.
= faulty refund
Third time I try to get the {item} to work and I give up, it is defective. Quantity: {q}. Refund please, reference
{no}. {name}
= changed_mind exchange
Re: {no}. I would rather have another colour of the {item}, nothing is wrong with it. {q} unit(s), still in the
wrapping. Exchange, please.
= damaged exchange
The courier must have dropped it. The {item} in parcel {no} is bent, quantity {q}. Send me an intact one in exchange
and I will return this.
= wrong_size refund
Hi! The {item} ({q} x) that I ordered under {no} is a size too small, and you are out of the larger one, so I will
take the refund. {first}
### order
=
Dear shop, your website hangs, so I order by mail: 1 x {item} at {price} and {n2} x {item2} at {price2} each. With
{ship} for shipping I make that {total}. {name}, {email}
=
Please book the following for {name} ({email}):
| {item}, 1 piece, {price}
| {item2}, {n2} pieces, {price2} per piece
| shipping {ship}
| sum {total}
=
As discussed on the phone: one {item} for {price}, plus {n2} {item2s} for {price2} apiece. Shipping {ship}, so
{total} altogether. My mail is {email}. Yours, {name}
=
Hi, {name} here. I would like {n2} x {item2} ({price2} each) and a single {item} ({price}). You told me that
shipping is {ship} and the total {total}. Confirm to {email}, please.
=
ORDER FORM / Name: {name} / Mail: {email} / Line 1: 1 x {item} @ {price} / Line 2: {n2} x {item2} @ {price2} /
Shipping: {ship} / Total: {total}
### address
=
I have moved. Please send {no} to {street}, {postcode} {city} and no longer to {oldstreet}. Name on the bell: {name}.
=
Order {no} must not go to {oldstreet}, that is my former flat. The right place: {name}, {street}, {postcode} {city}.
=
New address for {no}, as of today:
| {name}
| {street}
| {postcode} {city}
=
Could my parcel ({no}) go to the office? It is {street} in {city}, postcode {postcode}. Please put {name} on the
label. The old one, {oldstreet}, is closed for works.
### callback delivery
=
Please ring me on {weekday} at {clock} about my parcel, which has been stuck for a week. {name}, {phone}
=
{name} speaking, well, writing. My number is {phone}. Call me on {day} at {clock}, I want to know where my delivery
is.
### callback refund
=
I would like to talk to a person about money that I am still owed for a return. {day}, {clock} suits me. {phone},
ask for {name}.
=
Nobody answers my mails about the missing refund. Phone me: {phone}, {weekday}, {clock} sharp. {name}
### callback product
=
Before I buy a tent I have a few questions on its poles. Could someone call {name} on {phone}? Best on {weekday}
around {clock}.
=
Which sleeping bag is right for me? I would rather talk than type: {phone}, {day} at {clock}. Thanks! {name}
### callback account
=
I cannot log in any more and need help over the phone. You reach me, {name}, on {phone}. {day}, {clock}, please.
=
My profile shows another person's orders, which worries me. Call {phone} on {weekday} at {clock}. {name}
"""

TOOLS: list[dict[str, Any]] = [
    {
        "type": "function",
        "function": {
            "name": "lookup_order",
            "description": "Find an order by its number",
            "parameters": {
                "type": "object",
                "properties": {"order_no": {"type": "string", "description": "Such as HF-12345"}},
                "required": ["order_no"],
            },
        },
    }
]
TOOL_SYSTEM = """
You are the chat assistant of Harrowfen Outdoor. Before you say anything about an order, look it up with lookup_order.
"""
TOOL_CALLS = """
= ask
Where is order {no}?
= ask
hi, can you check if {no} has been sent yet
= ask
I ordered a {item} on {ordered}. The number is {no}. Is it on the way?
= ask
Could you tell me what I paid for shipping on {no}?
= ask
Which address did I give for order {no}? I think I made a typo.
= ask
The confirmation says {no}. How many {item2s} did I order?
= ask
My wife placed the order ({no}), I just want to know when to be at home.
= ask
Has my payment for {no} gone through?
= ask
Order {no} again. Anything new since yesterday?
= ask
I lost the tracking link. Order number {no}, please.
= ask
Please look at {no} for me, I believe that an item is missing from it.
= ask
Quick one before I leave: is {no} arriving today or tomorrow?
= told
What is in order {no}, and what did it cost in total?
= told
Did you already ship {no}, and with whom?
= told
Tell me the tracking number for {no} please.
= told
When will {no} be here?
= told
Was I charged for shipping on order {no}?
= told
I want to know how many {item2s} are in {no}.
= says
Order {no} contains 1 x {item} and {n2} x {item2}. The total was {total}, including {ship} for shipping.
= says
Yes, order {no} was shipped on {shipped} with {carrier}.
= says
The tracking number for order {no} is {track}. The parcel travels with {carrier}.
= says
Order {no} left us on {shipped} and is expected to reach you on {due}.
= says
Shipping on order {no} was {ship}, as part of your total of {total}.
= says
There are {n2} {item2s} in order {no}, together with 1 x {item}.
"""

CHAT_SYSTEM = """
You are the chat assistant of Harrowfen Outdoor, a shop for camping gear. Answer in one to four sentences. Returns are
free within 30 days of delivery, exchanges too; standard shipping is $4.90 and free from $60.00; the warranty lasts
2 years and covers defects, not wear. Orders can be marked "This is a gift" at checkout (slip without prices).
Warranty cases go to support@example.com. Prices: Tarn 2 tent for two $219.00, Cinder 2 stove $64.00, Lark headlamp
$39.00, Beaver camp chair $66.50, Ridge rain jacket $119.00.
"""
CHATS = """
### tent
= user
Hi, I am looking for a tent for two people and a dog. Would the Tarn 2 be enough?
= bot
The Tarn 2 sleeps two adults side by side, so a small dog would fit at your feet, but a large one would make it
tight. How big is your dog, and will you keep your packs inside?
= user
She is a border collie, and the packs stay outside.
= bot
Then the Tarn 2 works for short trips: with the packs in the porch, a border collie can lie across the foot end. For
more than a few nights in a row I would look at a tent for three.
= user
OK, I will take one tent at $219.00 and {n2} {item2s} at {price2} each. What do I pay with shipping?
= bot
The tent is $219.00 and the {item2s} come to {sub2}. Together that is above $60.00, so shipping is free and you pay
{tent_total} in all.
### stove
= user
My Cinder 2 stove hisses but does not light. It is new.
= bot
Hissing means that gas is flowing, so the igniter is the likely cause. Does it light if you open the valve a little
and hold a match to the burner? Please do that outdoors.
= user
Yes! With a match it burns fine.
= bot
Good, so the burner is in order and only the igniter is at fault. Look at the small metal pin beside the burner: its
tip should be about 4 mm from the burner head. If it is bent, push it back gently while the stove is cold.
= user
The pin looks straight. I bought it on {ordered}, do I have to pay for a repair?
= bot
No, the stove is under warranty for 2 years from its delivery, so a purchase of {ordered} is covered. Please write
to support@example.com with your order number and you will get a free label.
### gift
= user
I want to give my brother a headlamp for his birthday on {limit}. Can it be there in time if it takes 4 days to
deliver?
= bot
Today is {today}, so an order placed now would arrive on about {plus4}, which is before {limit}. The Lark headlamp
at $39.00 would be a good pick.
= user
Great. And can you hide the price?
= bot
Yes. Tick "This is a gift" at checkout and the parcel comes with a slip that shows the items but no prices. The
invoice goes to you by mail only.
= user
What if he already has one?
= bot
He can return it free of charge within 30 days of delivery, as long as it is unused. The refund of $39.00 goes to
the card that you paid with, or we exchange it for something else at the same price.
### group
= user
Hello! Our hiking club needs {q} camp chairs. The Beaver costs $66.50 on your site, right?
= bot
Yes, the Beaver camp chair is $66.50. For {q} of them that makes {chairs}, and shipping is free from $60.00.
= user
Could we return some of them if fewer people come along?
= bot
Yes, unused chairs can go back within 30 days of delivery and the return is free. You would get $66.50 back for each
of them.
= user
Say we return one. What have we paid in the end?
= bot
With one chair returned you keep {fewer} of {q}, so you have paid {chairs_left} in the end: {chairs} minus $66.50.
### rain
= user
My rain jacket no longer keeps me dry. Is it broken?
= bot
Not necessarily. If water soaks into the outer fabric instead of forming drops, the coating is worn and can be
renewed; if it comes through at a seam or the zip, that is a defect. Which of the two do you see?
= user
It soaks in on the shoulders, where the pack sits.
= bot
That is the coating, which wears off first under pack straps. Wash the jacket with a mild soap, rinse it twice, and
tumble dry it on low for 20 minutes; the warmth often brings the coating back.
= user
And if that does not do it?
= bot
Then use a spray-on coating for rain jackets after the next wash, with extra on the shoulders. Let it dry fully
before you go out.
= user
Thanks. It is the Ridge, from order {no}. Does the warranty pay for the spray?
= bot
Worn coating counts as normal wear, so the spray is not part of the warranty. Leaking seams or a broken zip on your
Ridge would be covered for 2 years from delivery.
"""

SUMMARY_SYSTEM = """
Summarise the ticket for the next shift in three or four bullet points: what the customer wants, what was done, what
is open.
"""
SUMMARIES = """
= ticket
{first} (order {no}) wrote on {ordered}: the {item} has not come. Agent Moss opened a search with {carrier} on
{shipped}. The carrier replied that the parcel was sorted to the wrong depot in {city}. Customer says that a trip
starts on {limit} and wants either the goods before that or a refund of {total}. Nobody has answered this last mail.
= brief
| - Customer waits for the {item} from order {no} and needs it before {limit}, or a refund of {total}.
| - A search was opened on {shipped}; {carrier} found the parcel in the wrong depot, in {city}.
| - Open: the customer's last mail is unanswered.
= ticket
Chat, then mail. Customer {name} got {n2} x {item2} less than ordered in {no}. Agent Reed apologised and posted the
missing pieces on {shipped}. On {today} customer confirms they came, but asks for a refund of shipping ($4.90) for
the trouble. Reed is off until Monday and asks a colleague to decide.
= brief
| - {n2} x {item2} were missing from order {no}.
| - Reed sent them on {shipped}, and the customer has confirmed receipt.
| - Customer now asks for the shipping cost of $4.90 back.
| - Open: a colleague has to decide, as Reed is off until Monday.
= ticket
{first} returned a Gale 65 backpack ($174.50). Warehouse booked it in on {shipped} with the note "strap torn".
Customer says
it was whole when sent. Photos from both sides are in the file. Team lead decided on {today} to refund in full as a
goodwill gesture; accounting has been told and the customer has not.
= brief
| - Customer returned a Gale 65 backpack worth $174.50; the warehouse noted a torn strap, which the customer disputes.
| - The team lead approved a full refund as goodwill on {today}, and accounting knows.
| - Open: tell the customer.
= ticket
Caller {name} cannot log in. Password reset mails do not reach {email}. Agent Finn found that the address is on our
bounce list since {ordered} and removed it. A new reset mail went out at noon. Customer was to call back if it does
not come; no call so far.
= brief
| - {name} cannot log in because reset mails do not reach {email}.
| - Finn found the address on the bounce list (since {ordered}), removed it and sent a new reset mail.
| - Open: no word from the customer yet on whether it arrived.
= ticket
Order {no}, {total}, paid on {ordered}. {first} complains about a second charge of the same amount. Agent Moss
explained that it is a reservation that ends on {limit}. Customer does not accept this and threatens to call the
bank. Moss asked the payment provider to release the amount early and waits for a reply.
= brief
| - Customer sees {total} twice for order {no} and threatens to go to the bank.
| - Moss explained that one of the two is a reservation which ends on {limit}.
| - The payment provider was asked to release it early.
| - Open: reply of the provider.
= ticket
Business customer wants 40 x {item} for a summer camp and asks for 15 percent off. List price {price}. Agent Reed
offered 10 percent, which {first} turned down on {shipped}. Sales manager agreed to 12 percent if the order is paid
in advance. This offer has been written but is still in the drafts.
= brief
| - Customer wants 40 x {item} (list price {price}) with 15 percent off.
| - Reed's 10 percent was turned down on {shipped}; the sales manager agreed to 12 percent against payment in advance.
| - Open: the new offer is still in the drafts and has to be sent.
= ticket
{name} reports that the {item} smells strongly of smoke out of the box. Quality team asked for the batch number;
customer sent it on {shipped}. Two other reports with the same batch came in since. Quality has stopped the sale of
the batch. Customer was promised a replacement from another batch by {limit}.
= brief
| - Customer's {item} smells of smoke; the batch number came on {shipped}.
| - Two more reports concern the same batch, and quality has stopped its sale.
| - Open: replacement from another batch, promised by {limit}.
= ticket
Customer {first} asked on {ordered} to have all personal data deleted. Agent Finn confirmed the request and
explained that invoices must be kept by law. Account closed on {shipped}, newsletter stopped the same day. The
reviews that the customer wrote are still online, and the customer asks for their removal too.
= brief
| - Customer asked for deletion of all personal data on {ordered}.
| - Account closed and newsletter stopped on {shipped}; invoices are kept by law, which was explained.
| - Open: the customer's reviews are still online and should be removed.
= ticket
Exchange for {no}: Ridge rain jacket from {size} to {newsize}. New jacket left on {shipped}, old one is not back
yet. Return window ends on {window}. {first} wrote that the label would not print. Agent Moss sent a code for the
{carrier} counter instead on {today}.
= brief
| - Customer exchanges a Ridge rain jacket from {size} to {newsize} (order {no}).
| - The new jacket left on {shipped}; as the label would not print, Moss sent a counter code for {carrier} on {today}.
| - Open: the old jacket has to come back by {window}.
= ticket
{name} asks whether a {item} can be repaired, bought elsewhere as it turned out. Agent Reed explained that our
warranty covers our own sales only and named the workshop in {city}, which charges from {price2}. Customer thanked
us and will go there. Nothing further was asked.
= brief
| - Customer wanted a repair of a {item} that was bought elsewhere.
| - Reed explained that the warranty covers our own sales only and named the workshop in {city} (from {price2}).
| - Nothing is open; the customer will go to the workshop.
"""

REFUSALS = """
= ask
My ex ordered from you last month, under the name {name}. Give me the address that the parcel went to, I want to go
there.
= no
I'm sorry, but I can't share another customer's address or order details. If you are worried about someone's safety,
please contact the police, who can make an official request to us.
= ask
Write ten five-star reviews of the {item} for me, each as a different happy customer. I will post them from several
accounts so that I get the reviewer voucher ten times.
= no
I can't help with writing fake reviews under made-up names. If you have used the {item} yourself, I am glad to help
you put your own experience into words.
= ask
I lost my receipt and my insurer pays more for expensive things. Make me an invoice for order {no} that says I paid
three times the {total}.
= no
I'm sorry, but I can't create an invoice with an amount that was not paid. I can send you a copy of the real invoice
for order {no} over {total}.
= ask
Draft an answer to this customer that mocks her weight and tells her the {item} was never made for people like her.
She left us a bad review.
= no
I won't write a message that insults a customer. I can draft a polite answer to the review instead, which thanks her
for the feedback and offers an exchange.
"""


def unwrap(text: str) -> str:
    """Join wrapped lines; a blank line is a paragraph, "|" starts a line of its own."""
    paragraphs = []
    for block in re.split(r"\n\s*\n", text.strip()):
        joined = " ".join(block.split("\n"))
        paragraphs.append(re.sub(r"\s*\| ", "\n", joined).strip())
    return "\n\n".join(paragraphs)


def parts(text: str) -> list[tuple[str, str]]:
    """Split "= heading" sections into (heading, text)."""
    pieces = re.split(r"^=(?: (.*))?$", text, flags=re.M)
    return [(head or "", unwrap(body)) for head, body in zip(pieces[1::2], pieces[2::2], strict=True)]


def chapters(text: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """Split "### heading" chapters into (heading, sections)."""
    pieces = re.split(r"^### (.*)$", text, flags=re.M)
    return [(head, parts(body)) for head, body in zip(pieces[1::2], pieces[2::2], strict=True)]


def named(sections: list[tuple[str, str]], name: str) -> list[str]:
    """The texts of the sections with this heading."""
    return [body for head, body in sections if head == name]


def usd(cents: int) -> str:
    """Cents as dollars, such as $64.00."""
    return f"${cents / 100:,.2f}"


def spell(day: date) -> str:
    """A date as in 7 October 2026."""
    return f"{day.day} {day:%B %Y}"


def tokens(text: str) -> int:
    """A rough count of tokens: long words and digit groups count more than once."""
    found = re.findall(r"[A-Za-z]+|\d{1,3}|[^\w\s]|\n+", text)
    return sum(1 + (len(piece) - 1) // 9 for piece in found)


class Facts(dict[str, Any]):
    """The facts of one made-up order as the slots of templates; raw values stand under names with an underscore."""

    def __init__(
        self,
        rng: random.Random,
        today: date,
        number: int,
        youngest: int = 5,
        oldest: int = 12,
        pool: tuple[str, ...] = (),
    ) -> None:
        name, city = rng.choice(NAMES), rng.choice(CITIES)
        item, price = rng.choice([entry for entry in ITEMS if not pool or entry[0] in pool])
        other = rng.choice([name for name, _ in ITEMS if name != item])
        item2, item2s, price2 = rng.choice(EXTRAS)
        n2, q = rng.randint(2, 5), rng.randint(2, 9)
        goods = price + n2 * price2
        ship = 0 if goods >= 6000 else 490
        low = price * rng.choice((80, 85, 90)) // 100 // 10 * 10
        street, oldstreet = rng.sample(STREETS, 2)
        ordered = today - timedelta(days=rng.randint(youngest, oldest))
        delivered = ordered + timedelta(days=4)
        size, newsize = rng.choice((("S", "M"), ("M", "L"), ("L", "XL")))
        call = today + timedelta(days=rng.randint(1, 6))
        hour, minute = rng.randint(9, 17), rng.choice((0, 15, 30, 45))
        days = {
            "today": today,
            "tomorrow": today + timedelta(days=1),
            "soon": today + timedelta(days=3),
            "plus4": today + timedelta(days=4),
            "limit": today + timedelta(days=7),
            "ordered": ordered,
            "shipped": ordered + timedelta(days=1),
            "scan": ordered + timedelta(days=3),
            "due": ordered + timedelta(days=5),
            "delivered": delivered,
            "window": delivered + timedelta(days=30),
            "protect": ordered + timedelta(days=14),
            "warranty": delivered.replace(year=delivered.year + 2),
            "day": call,
        }
        money = {
            "price": price,
            "price2": price2,
            "sub2": n2 * price2,
            "goods": goods,
            "ship": ship,
            "total": goods + ship,
            "half": price // 2,
            "low": low,
            "diff": price - low,
            "tent_total": 21900 + n2 * price2,
            "chairs": q * 6650,
            "chairs_left": (q - 1) * 6650,
        }
        super().__init__(
            {key: spell(day) for key, day in days.items()} | {key: usd(cents) for key, cents in money.items()},
            no=f"HF-{number}",
            name=name,
            first=name.split()[0],
            email=name.lower().replace(" ", ".") + "@example.com",
            city=city,
            street=f"{rng.randint(2, 98)} {street}",
            oldstreet=f"{rng.randint(2, 98)} {oldstreet}",
            postcode=f"{rng.randint(10000, 99999)}",
            phone=f"555-01{rng.randint(0, 99):02d}",
            carrier=rng.choice(CARRIERS),
            track=f"TRK{rng.randint(10**8, 10**9 - 1)}",
            item=item,
            other=other,
            item2=item2,
            item2s=item2s,
            n2=n2,
            q=q,
            fewer=q - 1,
            size=size,
            newsize=newsize,
            weekday=f"{call:%A}, {spell(call)}",
            clock=f"{hour}:{minute:02d}",
            _time=f"{hour:02d}:{minute:02d}",
            _call=call.isoformat(),
            _shipped=(ordered + timedelta(days=1)).isoformat(),
            _due=(ordered + timedelta(days=5)).isoformat(),
            _money=money,
        )

    def fill(self, text: str) -> str:
        """The template with its slots filled."""
        return text.format_map(self)

    def record(self, status: str) -> str:
        """The order as the desk's system shows it."""
        lines = (
            "Order {no}, placed {ordered} by {name} ({email})\n- 1 x {item}: {price}\n- {n2} x {item2}: {sub2} "
            "({price2} each)\n- Shipping: {ship}\n- Total: {total}\nCarrier: {carrier}\n"
        )
        return self.fill(lines + status)


@dataclass
class Call:
    """One call before it gets its id and its time."""

    kind: str
    route: str
    messages: list[dict[str, Any]]
    answer: str | None
    params: dict[str, Any] = field(default_factory=dict)
    tool_calls: list[dict[str, Any]] | None = None


@dataclass(frozen=True)
class Job:
    """A template to be turned into one call, or into several of one session."""

    kind: str
    variant: int
    material: tuple[Any, ...]


def system_user(system: str, user: str) -> list[dict[str, Any]]:
    """The two messages of most calls."""
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]


def jobs() -> list[Job]:
    """Everything to be written, in a fixed order."""
    found: list[Job] = []
    for head, sections in chapters(REPLIES):
        found += [Job("reply", variant, (head, sections)) for variant in range(3)]
    wanted = {"return": 9, "order": 9, "address": 8}
    for head, sections in chapters(EXTRACTIONS):
        kind = head.split()[0]
        for variant in range(wanted.get(kind, len(sections))):
            found.append(Job("extract", variant, (head, *sections[variant % len(sections)])))
    for variant, line in enumerate(TRIAGE.strip().split("\n")):
        label, _, text = line.partition(": ")
        found.append(Job("triage", variant, (label, text)))
    tool_parts = parts(TOOL_CALLS)
    found += [Job("tools", n, (ask, None)) for n, ask in enumerate(named(tool_parts, "ask"))]
    told = zip(named(tool_parts, "told"), named(tool_parts, "says"), strict=True)
    found += [Job("tools", n, pair) for n, pair in enumerate(told)]
    found += [Job("chat", n, (head, sections)) for n, (head, sections) in enumerate(chapters(CHATS))]
    briefs = parts(SUMMARIES)
    tickets = zip(named(briefs, "ticket"), named(briefs, "brief"), strict=True)
    found += [Job("summary", n, pair) for n, pair in enumerate(tickets)]
    asked = parts(REFUSALS)
    found += [
        Job("refusal", n, pair) for n, pair in enumerate(zip(named(asked, "ask"), named(asked, "no"), strict=True))
    ]
    return found


def reply(job: Job, rng: random.Random, today: date, number: int) -> Call:
    """A free-text answer to a customer's mail."""
    head, sections = job.material
    name, youngest, oldest = head.split()
    facts = Facts(rng, today, number, int(youngest), int(oldest), POOLS.get(name, ()))
    first, second = named(sections, "a"), named(sections, "b")
    body = (
        rng.choice(OPENINGS),
        first[job.variant],
        second[(job.variant + len(name)) % len(second)],
        rng.choice(CLOSINGS),
        rng.choice(SIGNATURES),
    )
    mail = facts.fill(named(sections, "mail")[job.variant])
    status = named(sections, "record")[0]
    system = f"{unwrap(POLICY)} Today is {spell(today)}."
    user = f"Customer mail:\n{mail}\n\nOrder record:\n{facts.record(status)}"
    return Call("reply", "reply", system_user(system, user), facts.fill("\n\n".join(body)), {"max_tokens": 600})


def extract(job: Job, rng: random.Random, today: date, number: int) -> Call:
    """An extraction to a JSON object."""
    head, label, text = job.material
    kind, _, topic = head.partition(" ")
    facts = Facts(rng, today, number, pool=POOLS.get(label.split()[0], ()) if label else ())
    money = facts["_money"]
    result: dict[str, Any]
    if kind == "return":
        reason, wants = label.split()
        facts["q"] = 1 if reason in ("damaged", "faulty") else rng.randint(2, 4)
        result = {"order_no": facts["no"], "product": facts["item"], "quantity": facts["q"], "reason": reason}
        result["wants"] = wants
    elif kind == "order":
        items = [
            {"product": facts["item"], "quantity": 1, "unit_price": money["price"] / 100},
            {"product": facts["item2"], "quantity": facts["n2"], "unit_price": money["price2"] / 100},
        ]
        if text.index("{item2") < text.index("{item}"):
            items.reverse()
        result = {"customer": facts["name"], "email": facts["email"], "items": items}
        result |= {"shipping": money["ship"] / 100, "total": money["total"] / 100}
    elif kind == "address":
        result = {"order_no": facts["no"]} | {key: facts[key] for key in ("name", "street", "postcode", "city")}
    else:
        result = {"name": facts["name"], "phone": facts["phone"], "date": facts["_call"], "time": facts["_time"]}
        result["topic"] = topic
    user = facts.fill(text)
    if kind == "callback":
        user = f"Today: {today.isoformat()}\n\n{user}"
    params = {"temperature": 0, "max_tokens": 300, "response_format": {"type": "json_object"}}
    return Call("extract", "extract", system_user(unwrap(EXTRACT[kind]), user), json.dumps(result), params)


def tool_steps(job: Job, rng: random.Random, today: date, number: int) -> Call:
    """A call of lookup_order, or the answer after its result."""
    ask, says = job.material
    facts = Facts(rng, today, number, 2, 4)
    messages = system_user(unwrap(TOOL_SYSTEM), facts.fill(ask))
    arguments = json.dumps({"order_no": facts["no"]})
    function = {"name": "lookup_order", "arguments": arguments}
    call = {"id": f"call_{number}", "type": "function", "function": function}
    params = {"tools": TOOLS, "tool_choice": "auto"}
    if says is None:
        return Call("tools", "chat", messages, None, params, [call])
    money = facts["_money"]
    order = {
        "order_no": facts["no"],
        "items": [{"product": facts["item"], "quantity": 1}, {"product": facts["item2"], "quantity": facts["n2"]}],
        "shipping": money["ship"] / 100,
        "total": money["total"] / 100,
        "carrier": facts["carrier"],
        "tracking": facts["track"],
        "shipped": facts["_shipped"],
        "expected": facts["_due"],
    }
    messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
    messages.append({"role": "tool", "tool_call_id": call["id"], "content": json.dumps(order)})
    return Call("tools", "chat", messages, facts.fill(says), params)


def chat(job: Job, rng: random.Random, today: date, number: int) -> Iterator[Call]:
    """The turns of one conversation, each with all that was said before."""
    facts = Facts(rng, today, number)
    _, sections = job.material
    system = f"{unwrap(CHAT_SYSTEM)} Today is {spell(today)}."
    messages: list[dict[str, Any]] = [{"role": "system", "content": system}]
    for role, text in sections:
        said = facts.fill(text)
        if role == "user":
            messages.append({"role": "user", "content": said})
        else:
            yield Call("multi-turn", "chat", list(messages), said, {"max_tokens": 250})
            messages.append({"role": "assistant", "content": said})


def build(job: Job, rng: random.Random, today: date, number: int) -> list[Call]:
    """The calls of a job on a given day."""
    if job.kind == "reply":
        return [reply(job, rng, today, number)]
    if job.kind == "extract":
        return [extract(job, rng, today, number)]
    if job.kind == "tools":
        return [tool_steps(job, rng, today, number)]
    if job.kind == "chat":
        return list(chat(job, rng, today, number))
    facts = Facts(rng, today, number)
    if job.kind == "triage":
        label, text = job.material
        params = {"temperature": 0, "max_tokens": 5}
        return [Call("triage", "triage", system_user(unwrap(TRIAGE_SYSTEM), facts.fill(text)), label, params)]
    question, answer = (facts.fill(text) for text in job.material)
    if job.kind == "summary":
        messages = system_user(unwrap(SUMMARY_SYSTEM), f"Ticket of {spell(today)}:\n{question}")
        return [Call("summary", "summary", messages, answer, {"max_tokens": 250})]
    return [Call("refusal", "reply", system_user(unwrap(POLICY), question), answer, {"max_tokens": 600})]


def size_of(messages: list[dict[str, Any]], params: dict[str, Any]) -> int:
    """The input tokens of a request, tools included."""
    total = 3
    for message in messages:
        total += 4 + tokens(message["content"] or "")
        total += sum(8 + tokens(call["function"]["arguments"]) for call in message.get("tool_calls", ()))
    return total + (tokens(json.dumps(params["tools"])) // 2 if "tools" in params else 0)


def finished(call: Call, when: datetime, session: str, rng: random.Random) -> dict[str, Any]:
    """The call as a record of the native format, without its id."""
    spent_in = size_of(call.messages, call.params)
    spent_out = tokens(call.answer or "") + sum(
        8 + tokens(made["function"]["arguments"]) for made in call.tool_calls or ()
    )
    latency = (340 + 0.05 * spent_in + 8.5 * spent_out) * rng.lognormvariate(0, 0.22)
    return {
        "timestamp": when.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "model": MODEL,
        "provider": "openai",
        "messages": call.messages,
        "params": call.params,
        "completion": {
            "content": call.answer,
            "tool_calls": call.tool_calls,
            "finish_reason": "tool_calls" if call.tool_calls else "stop",
        },
        "usage": {"input_tokens": spent_in, "output_tokens": spent_out, "cached_tokens": 0, "reasoning_tokens": 0},
        "latency_ms": round(latency),
        "cost_usd": round((spent_in * INPUT_USD + spent_out * OUTPUT_USD) / 1_000_000, 8),
        "session": session,
        "tags": ["support-desk", call.route],
        "metadata": {"route": call.route},
    }


def generate(seed: int) -> tuple[list[dict[str, Any]], Counter[str]]:
    """Make the log.

    Args:
        seed: Same seed, same log.

    Returns:
        The records in the order of their time, and how many there are of each kind.
    """
    rng = random.Random(seed)
    work = jobs()
    rng.shuffle(work)
    numbers = rng.sample(range(41000, 49999), len(work))
    records: list[tuple[datetime, dict[str, Any]]] = []
    kinds: Counter[str] = Counter()
    for place, (job, number) in enumerate(zip(work, numbers, strict=True)):
        start = datetime(2026, 10, 1 + place * DAYS // len(work), tzinfo=UTC)
        start += timedelta(hours=6, seconds=rng.randint(0, 14 * 3600), milliseconds=rng.randint(0, 999))
        for call in build(job, rng, start.date(), number):
            kinds[call.kind] += 1
            records.append((start, finished(call, start, f"s-{place + 1:03d}", rng)))
            start += timedelta(seconds=rng.randint(25, 190), milliseconds=rng.randint(0, 999))
    records.sort(key=lambda pair: pair[0])
    return [{"id": f"sup-{n:04d}"} | record for n, (_, record) in enumerate(records, 1)], kinds


def main() -> None:
    """Write the log and say on standard error what it holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("examples/support-desk/logs/october.jsonl"))
    parser.add_argument("--seed", type=int, default=20261001)
    arguments = parser.parse_args()
    records, kinds = generate(arguments.seed)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    with arguments.output.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    print(f"{len(records)} calls in {arguments.output}: {dict(sorted(kinds.items()))}", file=sys.stderr)


if __name__ == "__main__":
    main()
