# Two runs over the same axes: prices, liquidations, losses; who bore them, and what differs.
#
# Everything above this line was computed by `faultline plot --as comparison`; everything below is style.
# Change what you like and run `gnuplot comparison.gp` in this folder. The data are in comparison.tsv.

if (!exists("format")) format = "png"
if (!exists("output")) output = "comparison." . format

FONT = "Lato"   # fontconfig falls back to DejaVu Sans where it is missing
if (format eq "png") {
    set terminal pngcairo size 2000,1440 font FONT.",20" enhanced rounded background "#ffffff" linewidth 1.4
}
if (format eq "svg") {
    set terminal svg size 2000,1440 font FONT.",20" fontscale 1.3333 enhanced rounded background "#ffffff" linewidth 1.4
}
if (format eq "pdf") {
    set terminal pdfcairo size 18cm,12.96cm font FONT.",20" fontscale 0.255 pointscale 0.34 enhanced rounded linewidth 0.55
}
set output output
set encoding utf8
set datafile missing "NaN"

# Ink, and two of the Okabe-Ito palette, which colour-blind readers can tell apart; A is also the wider.
INK = "#22303c"; MUTE = "#7b8794"; GRID = "#e4e8ec"; AXIS = "#9aa5b1"; SHADE = "#f1f3f5"
A_COLOR = "#0072B2"; B_COLOR = "#D55E00"
A_WIDTH = 4.6; B_WIDTH = 2.2

data = 'comparison.tsv'
left = 0.060; right = 0.598; side_left = 0.712; side_right = 0.985
top = 0.808; bottom = 0.062; gap = 0.058
set border 3 lc rgb AXIS lw 1.2
set tics nomirror out scale 0.6 textcolor rgb INK
set grid ytics lc rgb GRID lw 1 dt 1
set key noautotitle
set multiplot

# --- the sentence, and whose colour is whose
title_y = title_2 eq "" ? 0.962 : 0.972
set label 1 title_1 at screen 0.012, screen title_y left noenhanced font FONT.":Bold,29" tc rgb INK
set label 2 title_2 at screen 0.012, screen title_y - 0.036 left noenhanced font FONT.":Bold,29" tc rgb INK
legend_y = title_2 eq "" ? 0.918 : 0.898
set label 3 "A" at screen 0.012, screen legend_y left font FONT.":Bold,20" tc rgb A_COLOR
set label 4 legend_a at screen 0.028, screen legend_y left noenhanced font FONT.",18" tc rgb A_COLOR
set label 5 "B" at screen 0.012, screen legend_y - 0.026 left font FONT.":Bold,20" tc rgb B_COLOR
set label 6 legend_b at screen 0.028, screen legend_y - 0.026 left noenhanced font FONT.",18" tc rgb B_COLOR
unset border; unset tics; unset grid
set lmargin at screen 0.01; set rmargin at screen 0.02; set tmargin at screen 0.02; set bmargin at screen 0.01
set xrange [0:1]; set yrange [0:1]
plot NaN
unset label
set border 3 lc rgb AXIS lw 1.2
set tics nomirror out scale 0.6 textcolor rgb INK
set grid ytics lc rgb GRID lw 1 dt 1

# --- curves over time
set lmargin at screen left; set rmargin at screen right
set xrange [x_from:x_to]
eval "set xtics nomirror (" . x_tics . ")"
share(kind) = kind == 1 || kind == 4 ? 0.40 : 0.30
shares = sum [i=1:panels] share(panel_kind[i])
room = top - bottom - gap * (panels - 1)
panel_top = top
x_middle = (x_from + x_to)/2
inside(x) = x < x_from ? x_from : x > x_to ? x_to : x
do for [p=1:panels] {
    panel_bottom = panel_top - room * share(panel_kind[p]) / shares
    set tmargin at screen panel_top; set bmargin at screen panel_bottom
    span = panel_high[p] - panel_low[p]
    # The first panel keeps room on top for the times at which faults strike.
    bar = 0.0078 / (panel_top - panel_bottom)
    strip = p == 1 ? 4.4 * bar : 0
    set yrange [panel_low[p]:panel_high[p] + strip * span]
    set ytics autofreq nomirror format "%g"
    if (p == panels) { set xlabel x_label tc rgb INK } else { unset xlabel }
    # Names of the tics stand below the lowest panel only.
    set xtics textcolor rgb (p < panels ? "#ffffff" : INK)
    unset label; unset object; unset arrow
    set label 1 panel_heading[p] at screen 0.012, screen panel_top + 0.020 left noenhanced font FONT.",20" tc rgb INK
    height = 1.0 / (1 + strip)
    set label 2 end_a[p] at graph 1.012, graph end_a_y[p] * height left noenhanced font FONT.":Bold,19" tc rgb A_COLOR
    set label 3 end_b[p] at graph 1.012, graph end_b_y[p] * height left noenhanced font FONT.":Bold,19" tc rgb B_COLOR
    do for [i=1:a_faults] {
        set object 10+i rect from inside(a_from[i]), graph 0 to inside(a_to[i]), graph 1 fc rgb SHADE fs solid noborder behind
        if (p == 1) { set object 30+i rect from inside(a_from[i]), graph 1 - 1.5*bar to inside(a_to[i]), graph 1 - 0.5*bar fc rgb A_COLOR fs solid noborder front }
    }
    do for [i=1:b_faults] {
        set object 50+i rect from inside(b_from[i]), graph 0 to inside(b_to[i]), graph 1 fc rgb SHADE fs solid noborder behind
        if (p == 1) { set object 70+i rect from inside(b_from[i]), graph 1 - 3.3*bar to inside(b_to[i]), graph 1 - 2.3*bar fc rgb B_COLOR fs solid noborder front }
    }
    if (p == 1 && a_faults > 0) {
        if (inside(a_from[1]) - x_from > 0.085*(x_to - x_from)) {
            set label 4 "faults of A" at inside(a_from[1]), graph 1 - bar right offset -0.5,0 font FONT.":Italic,16" tc rgb A_COLOR
        } else {
            set label 4 "faults of A" at inside(a_to[a_faults]), graph 1 - bar left offset 0.6,0 font FONT.":Italic,16" tc rgb A_COLOR
        }
    }
    if (p == 1 && b_faults > 0) {
        if (inside(b_from[1]) - x_from > 0.085*(x_to - x_from)) {
            set label 5 "faults of B" at inside(b_from[1]), graph 1 - 2.8*bar right offset -0.5,0 font FONT.":Italic,16" tc rgb B_COLOR
        } else {
            set label 5 "faults of B" at inside(b_to[b_faults]), graph 1 - 2.8*bar left offset 0.6,0 font FONT.":Italic,16" tc rgb B_COLOR
        }
    }
    words_y = 1 - 2.3*bar - strip
    # NaN is not equal to itself.
    if (parts_at == parts_at) {
        set arrow 1 from parts_at, graph 0 to parts_at, graph 1 nohead lc rgb INK lw 1.4 dt 3 back
        if (p == panels) { set label 6 "first difference" at parts_at, graph words_y left offset (parts_at < x_middle ? 0.6 : -10.5),0 font FONT.":Italic,16" tc rgb INK front }
    }
    if (apart_at == apart_at) {
        set arrow 2 from apart_at, graph 0 to apart_at, graph 1 nohead lc rgb MUTE lw 1.4 dt 2 back
        if (p == panels) { set label 7 "prices apart" at apart_at, graph words_y - (parts_at == parts_at ? 4*bar : 0) left offset (apart_at < x_middle ? 0.6 : -9.5),0 font FONT.":Italic,16" tc rgb MUTE front }
    }
    unit = panel_unit[p]; line = panel_line[p]; over = panel_on_top[p]
    V(v) = v / unit
    Z(v) = v == v ? v / unit : 0
    draw = "plot NaN"
    if (over > 0) {
        draw = draw . ", for [r=0:1] data index r using 1:(V(column(line))):(V(column(line)) + Z(column(over))) with filledcurves fc rgb (r == 0 ? A_COLOR : B_COLOR) fs transparent solid 0.16 noborder"
        draw = draw . ", for [r=0:1] data index r using 1:(Z(column(over)) > 0 ? V(column(line)) + Z(column(over)) : NaN) with lines lw 1.1 lc rgb (r == 0 ? A_COLOR : B_COLOR)"
    }
    draw = draw . ", data index 0 using 1:(V(column(line))) with steps lw A_WIDTH lc rgb A_COLOR, data index 1 using 1:(V(column(line))) with steps lw B_WIDTH lc rgb B_COLOR"
    if (panel_kind[p] == 1) {
        draw = draw . ", data index 0 using 1:2 with lines lw 1.2 lc rgb INK, data index 1 using 1:2 with lines lw 1.2 lc rgb INK"
    }
    eval draw
    panel_top = panel_bottom - gap
}

# --- who bore the losses
unset label; unset object; unset arrow; unset xlabel; unset ytics; unset grid
if (has_losses) {
    set lmargin at screen side_left; set rmargin at screen side_right
    set tmargin at screen top; set bmargin at screen 0.445
    set border 0
    unset xtics
    y = 1.0; nothing = ""
    array bearer[5] = ["insurance fund", "deleveraged counterparties", "all traders (socialised)", "nobody (outstanding)", "latent at the end"]
    set xrange [0:1.3*loss_most]; set yrange [5.7:0.3]
    set label 1 "who bore the losses" at screen side_left, screen top + 0.020 left font FONT.",20" tc rgb INK
    do for [b=1:5] {
        if (a_loss[b] > 0 || b_loss[b] > 0) {
            set label 10+b bearer[b] at 0, y - 0.44 left font FONT.",18" tc rgb INK
            set object 10+b rect from 0, y - 0.24 to a_loss[b], y + 0.06 fc rgb A_COLOR fs solid noborder
            set object 20+b rect from 0, y + 0.09 to b_loss[b], y + 0.39 fc rgb B_COLOR fs solid noborder
            set label 20+b a_loss_text[b] at a_loss[b], y - 0.09 left offset 0.6,0 font FONT.":Bold,17" tc rgb A_COLOR
            set label 30+b b_loss_text[b] at b_loss[b], y + 0.24 left offset 0.6,0 font FONT.":Bold,17" tc rgb B_COLOR
            y = y + 1.08
        } else {
            nothing = nothing . (nothing eq "" ? "" : ", ") . word(bearer[b], 1) . (b == 3 ? " traders" : b == 1 ? " fund" : "")
        }
    }
    if (y > 1) { set arrow 1 from 0, 0.62 to 0, y - 0.58 nohead lc rgb AXIS lw 1.2 }
    if (nothing ne "") { set label 2 "nothing in A and B:" at 0, y - 0.30 left font FONT.":Italic,16" tc rgb MUTE; set label 3 nothing at 0, y - 0.06 left font FONT.":Italic,16" tc rgb MUTE }
    plot NaN
}

# --- what differs
unset label; unset object; unset arrow
set lmargin at screen side_left; set rmargin at screen side_right
changes_top = has_losses ? top - (y - 0.06)*(top - 0.445)/5.4 - (nothing eq "" ? 0.02 : 0.045) : top
set tmargin at screen changes_top; set bmargin at screen bottom
set border 0; unset xtics; unset ytics
set xrange [0:1]; set yrange [0:1]
set label 1 "what differs, A -> B" at screen side_left, screen changes_top + 0.010 left font FONT.",20" tc rgb INK
do for [c=1:changes] {
    set label 10+c change_path[c] at screen side_left, screen changes_top - 0.022 - 0.0435*(c-1) left noenhanced font FONT.",16" tc rgb MUTE
    set label 30+c change_value[c] at screen side_left, screen changes_top - 0.041 - 0.0435*(c-1) left noenhanced font FONT.":Bold,16" tc rgb INK
}
if (changes == 0) { set label 2 "nothing that a result depends on" at screen side_left, screen changes_top - 0.022 left font FONT.":Italic,16" tc rgb MUTE }
if (more_changes > 0) { set label 3 sprintf("and %d more", more_changes) at screen side_left, screen changes_top - 0.022 - 0.0435*changes left font FONT.":Italic,16" tc rgb MUTE }
set label 4 note_1 at screen side_left, screen 0.040 left noenhanced font FONT.":Italic,15" tc rgb MUTE
set label 5 note_2 at screen side_left, screen 0.020 left noenhanced font FONT.":Italic,15" tc rgb MUTE
plot NaN
unset multiplot
set output
