# What faults cost, in four panels: prices, liquidations, who bore the losses, loss against minutes.
#
# Everything above this line was computed by `faultline plot --sweep`; everything below is style. Change
# what you like and run `gnuplot cost.gp` in this folder. The data are in cost-runs.tsv and
# cost-minutes.tsv.

if (!exists("format")) format = "png"
if (!exists("output")) output = "cost." . format

FONT = "Lato"   # fontconfig falls back to DejaVu Sans where it is missing
if (format eq "png") {
    set terminal pngcairo size 2000,1500 font FONT.",20" enhanced rounded background "#ffffff" linewidth 1.4
}
if (format eq "svg") {
    set terminal svg size 2000,1500 font FONT.",20" fontscale 1.3333 enhanced rounded background "#ffffff" linewidth 1.4
}
if (format eq "pdf") {
    set terminal pdfcairo size 18cm,13.5cm font FONT.",20" fontscale 0.255 pointscale 0.34 enhanced rounded linewidth 0.55
}
set output output
set encoding utf8
set datafile missing "NaN"

# Ink, and the Okabe-Ito palette, which colour-blind readers can tell apart.
INK = "#22303c"; MUTE = "#7b8794"; GRID = "#e4e8ec"; AXIS = "#9aa5b1"; SHADE = "#eceff2"
array run_color[4]    = ["#009E73", "#0072B2", "#D55E00", "#CC79A7"]
set dashtype 2 (5,7); set dashtype 3 (2,4)
array run_dash[4]     = [1, 1, 2, 3]
array run_width[4]    = [2.6, 4.6, 2.4, 2.4]
array bearer_color[5] = ["#56B4E9", "#E69F00", "#CC79A7", "#22303c", "#ffffff"]
array bearer_name[5]  = ["insurance fund", "deleveraged", "socialised", "outstanding", "latent at the end"]
array arm_color[2]    = ["#22303c", "#a86f00"]

set border 3 lc rgb AXIS lw 1.2
set tics nomirror out scale 0.6 textcolor rgb INK
set grid ytics lc rgb GRID lw 1 dt 1
set key noautotitle

left_1 = 0.055; right_1 = 0.545; left_2 = 0.635; right_2 = 0.975
top_1 = 0.795; bottom_1 = 0.475; top_2 = 0.395; bottom_2 = 0.075
put_panel = 'set lmargin at screen panel_left; set rmargin at screen panel_right; set tmargin at screen panel_top; set bmargin at screen panel_bottom; unset label; unset object; unset arrow; set label 900 letter at screen panel_left - 0.045, screen panel_top + 0.018 left font FONT.":Bold,24" tc rgb INK; set label 901 heading at screen panel_left - 0.022, screen panel_top + 0.018 left font FONT.",20" tc rgb INK'
put_key = 'set key default; set key noautotitle inside Left reverse samplen 2.4 spacing 1.2 width 1 font FONT.",17" textcolor rgb INK'
put_fault = 'set object 1 rect from fault_from, graph 0 to fault_to, graph 1 fc rgb SHADE fs solid noborder behind'

set multiplot

# --- the sentence
set label 1 title_1 at screen 0.01, screen 0.968 left noenhanced font FONT.":Bold,29" tc rgb INK
set label 2 title_2 at screen 0.01, screen 0.932 left noenhanced font FONT.":Bold,29" tc rgb INK
set label 3 note at screen 0.01, screen 0.893 left noenhanced font FONT.",19" tc rgb INK
set label 4 subtitle at screen 0.01, screen 0.865 left noenhanced font FONT.",17" tc rgb MUTE
unset border; unset tics; unset grid
set lmargin at screen 0.01; set rmargin at screen 0.02; set tmargin at screen 0.02; set bmargin at screen 0.01
set xrange [0:1]; set yrange [0:1]
plot NaN
set border 3 lc rgb AXIS lw 1.2
set tics nomirror out scale 0.6 textcolor rgb INK
set grid ytics lc rgb GRID lw 1 dt 1

# --- a: prices
panel_left = left_1; panel_right = right_1; panel_top = top_1; panel_bottom = bottom_1
letter = "a"; heading = "price [USD]: true, and on the exchange"
eval put_panel
eval put_fault
set xrange [0:x_to]; set yrange [*:*]
set xtics autofreq nomirror format ""; set ytics nomirror format "%g"
set offsets 0, 0, 3, 3
eval put_key; set key at graph 1, graph 1 top right width -9
set label 2 "faults" at (fault_from + fault_to)/2, graph 0.04 center font FONT.":Italic,17" tc rgb MUTE front
plot for [r=1:runs] 'cost-runs.tsv' index r-1 using 1:3 with steps lw run_width[r] dt run_dash[r] lc rgb run_color[r] title run_label[r], \
    'cost-runs.tsv' index 0 using 1:2 with lines lw 1.1 lc rgb INK title "true price"

# --- b: what is due for liquidation, on top of what has been liquidated
panel_top = top_2; panel_bottom = bottom_2
letter = "b"; heading = "liquidated so far [$ million], and on top what is due"
eval put_panel
eval put_fault
set yrange [0:*]; set offsets 0, 0, 4, 0
set xtics autofreq nomirror format "%g"; set ytics nomirror
set xlabel "simulated time [h]" tc rgb INK
eval put_key; set key bottom right width -3
plot for [r=1:runs] 'cost-runs.tsv' index r-1 using 1:4:($4+$5) with filledcurves fc rgb run_color[r] fs transparent solid 0.18 noborder, \
    for [r=1:runs] 'cost-runs.tsv' index r-1 using 1:($4+$5) with lines lw 1.2 dt run_dash[r] lc rgb run_color[r], \
    for [r=1:runs] 'cost-runs.tsv' index r-1 using 1:4 with steps lw run_width[r] dt run_dash[r] lc rgb run_color[r], \
    NaN with lines lw 3.4 lc rgb MUTE title "liquidated", \
    NaN with filledcurves fc rgb MUTE fs transparent solid 0.3 border lc rgb MUTE title "due at the true price"

# --- c: who bore the losses
panel_left = left_2; panel_right = right_2; panel_top = top_1; panel_bottom = bottom_1
letter = "c"; heading = "who bore the losses [$ million]"
eval put_panel
set offsets 0, 0, 0, 0
total(r) = sum [b=1:5] loss[5*(r-1)+b]
before(r, b) = b == 1 ? 0 : sum [k=1:b-1] loss[5*(r-1)+k]
widest = 0
do for [r=1:runs] {
    if (total(r) > widest) { widest = total(r) }
    if (latent_most[r] > widest) { widest = latent_most[r] }
}
if (widest <= 0) { widest = 1 }
set xrange [0:1.22*widest]; set yrange [runs+0.62:-0.35]
set xtics autofreq nomirror format "%g"; unset ytics; unset xlabel
unset grid; set grid xtics lc rgb GRID lw 1 dt 1
set border 1 lc rgb AXIS lw 1.2
do for [r=1:runs] {
    do for [b=1:5] {
        if (loss[5*(r-1)+b] > 0) {
            set object 10*r+b rect from before(r, b), r to before(r, b) + loss[5*(r-1)+b], r+0.34 fc rgb bearer_color[b] fs solid border lc rgb (b == 5 ? MUTE : bearer_color[b]) lw 1
        }
    }
    if (latent_most[r] > 0) {
        set object 10*r+6 rect from 0, r+0.40 to latent_most[r], r+0.49 fc rgb MUTE fs pattern 5 border lc rgb MUTE lw 1
        set label 10*r+2 sprintf("$%.2f M", latent_most[r]) at latent_most[r], r+0.45 left offset 0.6,0 noenhanced font FONT.",16" tc rgb MUTE front
    }
    set label 10*r run_label[r] at 0, r-0.13 left noenhanced font FONT.":Bold,17" tc rgb run_color[r] front
    set label 10*r+1 (total(r) > 0 ? sprintf("$%.2f M", total(r)) : "nothing lost") at total(r), r+0.17 left offset 0.6,0 noenhanced font FONT.",18" tc rgb INK front
}
eval put_key; set key at graph 0.99, graph 1 top right maxrows 2 samplen 1.2 width -1
plot for [b=1:5] NaN with boxes fc rgb bearer_color[b] fs solid border lc rgb (b == 5 ? MUTE : bearer_color[b]) title bearer_name[b], \
    NaN with boxes fc rgb MUTE fs pattern 5 border lc rgb MUTE title "latent at worst"

# --- d: loss against the length of the fault
panel_top = top_2; panel_bottom = bottom_2
letter = "d"; heading = "loss [$ million] against minutes of stale prices"
eval put_panel
set border 3 lc rgb AXIS lw 1.2
unset grid; set grid ytics lc rgb GRID lw 1 dt 1
set xrange [0:1.02*longest]; set yrange [0:*]
set xtics autofreq nomirror format "%g"; set ytics autofreq nomirror format "%g" textcolor rgb INK
set xlabel "minutes of stale prices" tc rgb INK
do for [a=1:arms] {
    if (survives[a] > 0) {
        set arrow a from survives[a], graph 0 to survives[a], first fund[a] nohead lc rgb arm_color[a] lw 1.6 dt 3 front
        set label 10*a sprintf("used up after %.0f min", survives[a]) at survives[a], graph 0.02 + 0.06*a left offset 0.8,0 font FONT.":Italic,17" tc rgb arm_color[a] front
    }
}
if (survives[1] > 0) {
    set arrow 9 from 0, first fund[1] to survives[1], first fund[1] nohead lc rgb INK lw 1.6 dt 3 front
    set label 9 sprintf("the fund can pay $%.2f M", fund[1]) at 0, first fund[1] left offset 0.8,0.7 font FONT.":Italic,17" tc rgb INK front
}
eval put_key; set key top left width -4
set offsets 0, 0, graph 0.22, 0
plot for [a=1:arms] 'cost-minutes.tsv' index a-1 using 1:5:6 with filledcurves fc rgb arm_color[a] fs transparent solid 0.15 noborder, \
    for [a=1:arms] 'cost-minutes.tsv' index a-1 using 1:2:3:4 with yerrorbars lw 1.6 pt 7 ps 0.4 lc rgb arm_color[a], \
    for [a=1:arms] 'cost-minutes.tsv' index a-1 using 1:2 with linespoints lw 3 pt 7 ps 1 lc rgb arm_color[a] title (arms > 1 ? axis . " " . arm_value[a] : "mean"), \
    NaN with filledcurves fc rgb MUTE fs transparent solid 0.3 noborder title "5 to 95 % of the seeds", \
    for [r=1:runs] '+' using (total(r) > 0 ? 60*(fault_to - fault_from) : 0):(total(r)) every ::0::0 with points pt 13 ps 2.2 lc rgb run_color[r], \
    NaN with points pt 13 ps 2.2 lc rgb MUTE title "the runs of c"
unset multiplot
set output
