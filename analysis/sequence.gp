# A message sequence chart: a lane for each node, an arrow for each message.
#
# Everything above this line was computed by `faultline plot --as sequence`; everything below is style.
# Change what you like and run `gnuplot sequence.gp` in this folder. The data are in sequence.tsv.

if (!exists("format")) format = "png"
if (!exists("output")) output = "sequence." . format

FONT = "Lato"   # fontconfig falls back to DejaVu Sans where it is missing
page_height = 400 + lane_count * (lane_count <= 6 ? 130 : 88)
if (format eq "png") {
    set terminal pngcairo size 1800,page_height font FONT.",18" enhanced rounded background "#ffffff" linewidth 1.4
}
if (format eq "svg") {
    set terminal svg size 1800,page_height font FONT.",18" fontscale 1.3333 enhanced rounded background "#ffffff" linewidth 1.4
}
if (format eq "pdf") {
    set terminal pdfcairo size 18cm,18.0*page_height/1800 cm font FONT.",18" fontscale 0.284 pointscale 0.38 enhanced rounded linewidth 0.6
}
set output output
set encoding utf8
set datafile missing "NaN"

# Ink, and the Okabe-Ito palette, which colour-blind readers can tell apart.
INK = "#22303c"; MUTE = "#7b8794"; AXIS = "#9aa5b1"; LANE = "#b8c2cc"; SHADE = "#D55E00"
array kind_rgb[8] = [0x0072B2, 0x009E73, 0x56B4E9, 0xCC79A7, 0xD55E00, 0xE69F00, 0x22303c, 0x7b8794]
rgb(k) = sprintf("#%06x", kind_rgb[int(k)])

Y(pixels) = 1 - pixels / (1.0 * page_height)
set lmargin at screen 0.1
set rmargin at screen 0.975
set tmargin at screen Y(title_2 eq "" ? 240 : 282)
set bmargin at screen 92.0 / page_height
down = title_2 eq "" ? 0 : 42

set label 1 title_1 at screen 0.012, screen Y(36) left noenhanced font FONT.sprintf(":Bold,%g", title_points) tc rgb INK
set label 2 title_2 at screen 0.012, screen Y(78) left noenhanced font FONT.sprintf(":Bold,%g", title_points) tc rgb INK
set label 3 subtitle at screen 0.012, screen Y(78 + down) left noenhanced font FONT.sprintf(",%g", subtitle_points) tc rgb MUTE
do for [i=1:kind_count] {
    set label 10+i kind[i] at screen kind_x[i], screen Y(118 + down) left noenhanced font FONT.":Bold,16" tc rgb rgb(kind_colour[i])
}
set label 30 "proposes" at screen 0.014, screen Y(page_height - 28) left offset 0.9,0 font FONT.",16" tc rgb INK point pt 13 ps 1.7 lc rgb INK
set label 31 "is prepared" at screen 0.080, screen Y(page_height - 28) left offset 0.9,0 font FONT.",16" tc rgb INK point pt 6 ps 1.5 lw 1.6 lc rgb INK
set label 32 "decides" at screen 0.155, screen Y(page_height - 28) left offset 0.9,0 font FONT.",16" tc rgb INK point pt 7 ps 1.5 lc rgb INK
set label 33 "lost" at screen 0.212, screen Y(page_height - 28) left offset 0.9,0 font FONT.",16" tc rgb INK point pt 2 ps 1.3 lw 2 lc rgb INK

# Lanes, and what strikes them, in words that arrows do not cross.
set style textbox opaque fillcolor rgb "#fbe6da" noborder margins 0.5,0.5
do for [i=1:lane_count] {
    set arrow 100+i from x_from, i-1 to x_to, i-1 nohead lc rgb LANE lw 1.4 back
    set label 100+i lane[i] at graph 0, first i-1 right offset -1,0 noenhanced font FONT.",18" tc rgb INK
}
do for [i=1:spell_count] {
    set object 200+i rect from spell_from[i], spell_lane[i] - 0.2 to spell_to[i], spell_lane[i] + 0.2 fc rgb SHADE fs transparent solid 0.16 noborder behind
    set label 200+i spell[i] at spell_x[i], spell_lane[i] + 0.11 center noenhanced font FONT.":Italic,15" tc rgb "#b84a00" front boxed
}
do for [i=1:heading_count] {
    set label 1000+i heading[i] at heading_x[i], graph 1 left rotate by 38 offset -0.3,0.5 noenhanced font FONT.",15" tc rgb rgb(heading_colour[i])
}
if (height_count > 0) {
    set label 90 "block decided" at graph 0, first lane_count - 0.42 right offset -1,0 font FONT.":Italic,15" tc rgb MUTE
}
do for [i=1:height_count] {
    set label 2000+i sprintf("%d", height[i]) at height_x[i], lane_count - 0.42 center font FONT.":Bold,15" tc rgb INK
}
set arrow 1 from 0, graph 0 to 0, graph 1 nohead dt (4,4) lc rgb MUTE lw 1.2 back

set border 1 lc rgb AXIS lw 1.2
set xtics nomirror out scale 0.6 textcolor rgb INK
unset ytics
set xlabel x_label noenhanced tc rgb INK
set key off
set xrange [x_from:x_to]
set yrange [lane_count - 0.2:-0.3]
set clip one
set clip two

plot 'sequence.tsv' index 0 using 1:2:($6 == 0 ? $3 : NaN):4:(kind_rgb[int($5)]) with vectors head filled size screen 0.006,16 lw 1.3 lc rgb variable, \
    '' index 0 using 1:2:($6 == 1 ? $3 : NaN):4:(kind_rgb[int($5)]) with vectors nohead lw 1.1 dt (5,3) lc rgb variable, \
    '' index 0 using ($6 == 1 ? $1 + $3 : NaN):($2 + $4):(kind_rgb[int($5)]) with points pt 2 ps 1.3 lw 2 lc rgb variable, \
    '' index 1 using 1:($2 - 0.17) with points pt 13 ps 1.7 lc rgb INK, \
    '' index 2 using 1:2 with points pt 7 ps 1.5 lc rgb "#ffffff", \
    '' index 2 using 1:2 with points pt 6 ps 1.5 lw 1.6 lc rgb INK, \
    '' index 3 using 1:2 with points pt 7 ps 1.5 lc rgb INK
set output
