;; Dot products of one query with vectors that lie number by number: for each number of a block, the codes of its
;; ROWS vectors stand one after another. Only the numbers that are not zero in the query are read, two at a time:
;; their codes are interleaved, so that i32x4.dot_i16x8_s multiplies both and adds them up. 32 vectors go through all
;; numbers together, their sums in eight registers. No sum overflows: 2^31 / 127^2 is more numbers than a vector has.
;;
;; $pairs to $pairsEnd: for each two numbers the byte offsets of their codes in a block (u32 each), then the query's
;; codes for them (i16 each). $out: one i32 for each vector. Assembled by assemble-kernel.ts; ROWS is put in there.
(module
  (import "store" "memory" (memory 1))
  (func (export "dots") (param $block i32) (param $pairs i32) (param $pairsEnd i32) (param $out i32)
    (local $at i32) (local $a i32) (local $b i32) (local $w v128) (local $x v128) (local $y v128) (local $end i32)
    (local $s0 v128) (local $s1 v128) (local $s2 v128) (local $s3 v128) (local $s4 v128) (local $s5 v128) (local $s6 v128) (local $s7 v128)
    (local.set $end (i32.add (local.get $block) (i32.const ROWS)))
    (loop $rows
      (local.set $s0 (v128.const i64x2 0 0)) (local.set $s1 (v128.const i64x2 0 0)) (local.set $s2 (v128.const i64x2 0 0)) (local.set $s3 (v128.const i64x2 0 0))
      (local.set $s4 (v128.const i64x2 0 0)) (local.set $s5 (v128.const i64x2 0 0)) (local.set $s6 (v128.const i64x2 0 0)) (local.set $s7 (v128.const i64x2 0 0))
      (local.set $at (local.get $pairs))
      (loop $numbers
        (local.set $a (i32.add (local.get $block) (i32.load (local.get $at))))
        (local.set $b (i32.add (local.get $block) (i32.load offset=4 (local.get $at))))
        (local.set $w (v128.load32_splat offset=8 (local.get $at)))
        (local.set $x (v128.load (local.get $a))) (local.set $y (v128.load (local.get $b)))
        (local.set $s0 (i32x4.add (local.get $s0) (i32x4.dot_i16x8_s (local.get $w) (i16x8.extend_low_i8x16_s (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $x) (local.get $y))))))
        (local.set $s1 (i32x4.add (local.get $s1) (i32x4.dot_i16x8_s (local.get $w) (i16x8.extend_high_i8x16_s (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $x) (local.get $y))))))
        (local.set $s2 (i32x4.add (local.get $s2) (i32x4.dot_i16x8_s (local.get $w) (i16x8.extend_low_i8x16_s (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $x) (local.get $y))))))
        (local.set $s3 (i32x4.add (local.get $s3) (i32x4.dot_i16x8_s (local.get $w) (i16x8.extend_high_i8x16_s (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $x) (local.get $y))))))
        (local.set $x (v128.load offset=16 (local.get $a))) (local.set $y (v128.load offset=16 (local.get $b)))
        (local.set $s4 (i32x4.add (local.get $s4) (i32x4.dot_i16x8_s (local.get $w) (i16x8.extend_low_i8x16_s (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $x) (local.get $y))))))
        (local.set $s5 (i32x4.add (local.get $s5) (i32x4.dot_i16x8_s (local.get $w) (i16x8.extend_high_i8x16_s (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $x) (local.get $y))))))
        (local.set $s6 (i32x4.add (local.get $s6) (i32x4.dot_i16x8_s (local.get $w) (i16x8.extend_low_i8x16_s (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $x) (local.get $y))))))
        (local.set $s7 (i32x4.add (local.get $s7) (i32x4.dot_i16x8_s (local.get $w) (i16x8.extend_high_i8x16_s (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $x) (local.get $y))))))
        (br_if $numbers (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 12))) (local.get $pairsEnd))))
      (v128.store (local.get $out) (local.get $s0)) (v128.store offset=16 (local.get $out) (local.get $s1))
      (v128.store offset=32 (local.get $out) (local.get $s2)) (v128.store offset=48 (local.get $out) (local.get $s3))
      (v128.store offset=64 (local.get $out) (local.get $s4)) (v128.store offset=80 (local.get $out) (local.get $s5))
      (v128.store offset=96 (local.get $out) (local.get $s6)) (v128.store offset=112 (local.get $out) (local.get $s7))
      (local.set $out (i32.add (local.get $out) (i32.const 128)))
      (br_if $rows (i32.lt_u (local.tee $block (i32.add (local.get $block) (i32.const 32))) (local.get $end))))))
